// Eigen's kernels for avx2; empty where the compiler does not build for x86.
#if defined(MCOMPRESS_LINALG_X86)
#define MCOMPRESS_LINALG_EIGEN Eigen_avx2
#define MCOMPRESS_LINALG_BACKEND kAvx2Backend
#define MCOMPRESS_LINALG_NAME "avx2"
#include "tensor/linalg_kernels.h"
#endif
