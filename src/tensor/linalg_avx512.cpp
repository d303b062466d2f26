// Eigen's kernels for avx512; empty where the compiler does not build for x86.
#if defined(MCOMPRESS_LINALG_X86)
#define MCOMPRESS_LINALG_EIGEN Eigen_avx512
#define MCOMPRESS_LINALG_BACKEND kAvx512Backend
#define MCOMPRESS_LINALG_NAME "avx512"
#include "tensor/linalg_kernels.h"
#endif
