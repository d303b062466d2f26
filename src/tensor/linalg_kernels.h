// The kernels of linalg_backend.h in Eigen. Included once by each linalg_<instruction set>.cpp, which is compiled with that set's flags.
#pragma once

// Each instruction set has a namespace of its own for Eigen: its templates have the same names whatever they are compiled for, and the linker would
// keep one of them, possibly one that this machine cannot run.
#define EIGEN_NO_DEBUG
#define EIGEN_DONT_PARALLELIZE
#define Eigen MCOMPRESS_LINALG_EIGEN
#include <Eigen/Cholesky>
#include <Eigen/Core>

#include "tensor/linalg_backend.h"

namespace mcompress::linalg {

namespace {

template <typename T> using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Stride = Eigen::OuterStride<>;
template <typename T> using View = Eigen::Map<Matrix<T>, 0, Stride>;
template <typename T> using ConstView = Eigen::Map<const Matrix<T>, 0, Stride>;

template <typename A, typename B> void multiply(const A& a, const B& b, View<float>& c, bool add) {
    if (add) {
        c.noalias() += a * b;
    } else {
        c.noalias() = a * b;
    }
}

void gemm(const float* a, bool transpose_a, const float* b, bool transpose_b, float* c, std::int64_t m, std::int64_t n, std::int64_t k,
          bool add) {
    const ConstView<float> left(a, transpose_a ? k : m, transpose_a ? m : k, Stride(transpose_a ? m : k));
    const ConstView<float> right(b, transpose_b ? n : k, transpose_b ? k : n, Stride(transpose_b ? k : n));
    View<float> product(c, m, n, Stride(n));
    if (transpose_a && transpose_b) {
        multiply(left.transpose(), right.transpose(), product, add);
    } else if (transpose_a) {
        multiply(left.transpose(), right, product, add);
    } else if (transpose_b) {
        multiply(left, right.transpose(), product, add);
    } else {
        multiply(left, right, product, add);
    }
}

void multiply_doubles(const double* a, const double* b, double* c, std::int64_t m, std::int64_t n, std::int64_t k) {
    View<double> product(c, m, n, Stride(n));
    product.noalias() = ConstView<double>(a, m, k, Stride(k)) * ConstView<double>(b, k, n, Stride(n));
}

void combine(const float* rows, std::int64_t ld, const float* factors, std::int64_t count, float* to, std::int64_t n) {
    constexpr std::int64_t kAtOnce = 64;
    std::int64_t begin = 0;
    for (; begin + kAtOnce <= n; begin += kAtOnce) {
        float sums[kAtOnce] = {};
        for (std::int64_t row = 0; row < count; ++row)
            for (std::int64_t at = 0; at < kAtOnce; ++at) sums[at] += factors[row] * rows[row * ld + begin + at];
        for (std::int64_t at = 0; at < kAtOnce; ++at) to[begin + at] = sums[at];
    }
    for (std::int64_t at = begin; at < n; ++at) to[at] = 0.0F;
    for (std::int64_t row = 0; row < count; ++row)
        for (std::int64_t at = begin; at < n; ++at) to[at] += factors[row] * rows[row * ld + at];
}

void cross(const float* x, std::int64_t ldx, const float* y, std::int64_t ldy, std::int64_t rows, std::int64_t p, std::int64_t q,
           float* c) {
    const ConstView<float> left(x, rows, p, Stride(ldx));
    const ConstView<float> right(y, rows, q, Stride(ldy));
    View<float> product(c, p, q, Stride(q));
    product.noalias() = left.transpose() * right;
}

bool cholesky(double* a, std::int64_t n) {
    View<double> matrix(a, n, n, Stride(n));
    const Eigen::LLT<Eigen::Ref<Matrix<double>, 0, Stride>, Eigen::Lower> factors(matrix);
    return factors.info() == Eigen::Success;
}

void solve(const double* l, std::int64_t n, double* b, std::int64_t columns) {
    const ConstView<double> lower(l, n, n, Stride(n));
    View<double> right(b, n, columns, Stride(columns));
    lower.triangularView<Eigen::Lower>().solveInPlace(right);
    lower.triangularView<Eigen::Lower>().transpose().solveInPlace(right);
}

/// [A 0; B C]^-1 = [A^-1 0; -C^-1 B A^-1, C^-1], halved until a block is small: two thirds of the work of solving for the unit matrix.
void invert_block(View<double>& l, std::int64_t begin, std::int64_t n) {
    constexpr std::int64_t kDirect = 64;
    if (n <= kDirect) {
        auto block = l.block(begin, begin, n, n);
        Matrix<double> inverse = Matrix<double>::Identity(n, n);
        block.triangularView<Eigen::Lower>().solveInPlace(inverse);
        block.triangularView<Eigen::Lower>() = inverse;
        return;
    }
    const std::int64_t top = n / 2;
    const std::int64_t bottom = n - top;
    invert_block(l, begin, top);
    invert_block(l, begin + top, bottom);
    auto below = l.block(begin + top, begin, bottom, top);
    Matrix<double> product = l.block(begin + top, begin + top, bottom, bottom).triangularView<Eigen::Lower>() * below;
    below.noalias() = -product * l.block(begin, begin, top, top).triangularView<Eigen::Lower>();
}

void invert_lower(double* l, std::int64_t n) {
    View<double> matrix(l, n, n, Stride(n));
    invert_block(matrix, 0, n);
}

}  // namespace

extern const Backend MCOMPRESS_LINALG_BACKEND = {MCOMPRESS_LINALG_NAME, gemm, multiply_doubles, combine, cross, cholesky, solve,
                                                 invert_lower};

}  // namespace mcompress::linalg
