// One set of Eigen's kernels, compiled for one instruction set; linalg.cpp picks the best one the machine runs.
#pragma once

#include <cstdint>
#include <span>

namespace mcompress::linalg {

// Shapes were checked by the caller. Matrices are row-major; `ld` is the distance between rows.
struct Backend {
    const char* name;
    /// c [m,n] (=|+=) op(a) op(b)
    void (*gemm)(const float* a, bool transpose_a, const float* b, bool transpose_b, float* c, std::int64_t m, std::int64_t n,
                 std::int64_t k, bool add);
    /// c [m,n] = a [m,k] b [k,n]
    void (*multiply)(const double* a, const double* b, double* c, std::int64_t m, std::int64_t n, std::int64_t k);
    /// to [n] = sum over t of factors[t] * rows[t], which lie `ld` apart
    void (*combine)(const float* rows, std::int64_t ld, const float* factors, std::int64_t count, float* to, std::int64_t n);
    /// c [p,q] = x^T y over `rows` rows; x and y have rows ldx and ldy apart
    void (*cross)(const float* x, std::int64_t ldx, const float* y, std::int64_t ldy, std::int64_t rows, std::int64_t p, std::int64_t q,
                  float* c);
    /// a [n,n] becomes its lower Cholesky factor in the lower triangle; the upper one keeps its values. False when there is none.
    bool (*cholesky)(double* a, std::int64_t n);
    /// b [n,columns] = (l l^T)^-1 b for lower triangular l [n,n]
    void (*solve)(const double* l, std::int64_t n, double* b, std::int64_t columns);
    /// The lower triangle of l [n,n] becomes the inverse of the lower triangular matrix it holds.
    void (*invert_lower)(double* l, std::int64_t n);
};

extern const Backend kBaselineBackend;
extern const Backend kAvx2Backend;  // on x86 only
extern const Backend kAvx512Backend;

/// Those this machine runs, the fastest last.
std::span<const Backend* const> runnable_backends();

}  // namespace mcompress::linalg
