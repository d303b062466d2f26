// Eigen's kernels for what every machine of the architecture runs.

#define MCOMPRESS_LINALG_EIGEN Eigen_baseline
#define MCOMPRESS_LINALG_BACKEND kBaselineBackend
#define MCOMPRESS_LINALG_NAME "baseline"
#include "tensor/linalg_kernels.h"
