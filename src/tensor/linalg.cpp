// Checks of shapes, blocking over rows and columns, damping; the arithmetic is the backend's.
#include "tensor/linalg.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "support/check.h"
#include "tensor/linalg_backend.h"

namespace mcompress::linalg {

namespace {

constexpr std::int64_t kRowBlock = 512;     // sums of float products are this long before they are added in double
constexpr std::int64_t kColumnBlock = 256;  // rows of the scratch matrix

const Backend& backend() { return *runnable_backends().back(); }

void check_shape(std::size_t size, std::int64_t rows, std::int64_t columns) {
    MCOMPRESS_CHECK(rows >= 0 && columns >= 0 && size == static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
}

/// Adds damping to the diagonal; false when it is not finite or not positive afterwards.
bool damp(std::span<double> a, std::int64_t n, double damping) {
    double trace = 0.0;
    for (std::int64_t i = 0; i < n; ++i) trace += a[i * n + i];
    const double added = n > 0 ? damping * trace / static_cast<double>(n) : 0.0;
    for (std::int64_t i = 0; i < n; ++i) {
        a[i * n + i] += added;
        if (!std::isfinite(a[i * n + i]) || a[i * n + i] <= 0.0) return false;
    }
    return true;
}

/// Eigen's factorization stops at a pivot that is negative, and lets a NaN pass.
bool finite_diagonal(std::span<const double> l, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) {
        if (!std::isfinite(l[i * n + i]) || l[i * n + i] <= 0.0) return false;
    }
    return true;
}

}  // namespace

std::span<const Backend* const> runnable_backends() {
    static const std::vector<const Backend*> backends = [] {
        std::vector<const Backend*> found = {&kBaselineBackend};
#if defined(MCOMPRESS_LINALG_X86)
        const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
        if (avx2) found.push_back(&kAvx2Backend);
        if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) found.push_back(&kAvx512Backend);
#endif
        return found;
    }();
    return backends;
}

std::string_view instruction_set() { return backend().name; }

void gemm(Operand a, Operand b, std::span<float> c, Extents extents, Store store) {
    const auto [m, n, k] = extents;
    check_shape(a.values.size(), m, k);
    check_shape(b.values.size(), k, n);
    check_shape(c.size(), m, n);
    if (m == 0 || n == 0) return;
    const bool add = store == Store::Add;
    if (k == 0) {
        if (!add) std::fill(c.begin(), c.end(), 0.0f);
        return;
    }
    backend().gemm(a.values.data(), a.transpose == Transpose::Yes, b.values.data(), b.transpose == Transpose::Yes, c.data(), m, n, k, add);
}

void accumulate_cross(std::span<const float> x, std::span<const float> y, std::int64_t rows, std::int64_t p, std::int64_t q,
                      std::span<double> c) {
    check_shape(x.size(), rows, p);
    check_shape(y.size(), rows, q);
    check_shape(c.size(), p, q);
    if (p == 0 || q == 0) return;
    std::vector<float> product(static_cast<std::size_t>(std::min(p, kColumnBlock) * q));
    for (std::int64_t row = 0; row < rows; row += kRowBlock) {
        const std::int64_t height = std::min(kRowBlock, rows - row);
        for (std::int64_t column = 0; column < p; column += kColumnBlock) {
            const std::int64_t width = std::min(kColumnBlock, p - column);
            backend().cross(x.data() + row * p + column, p, y.data() + row * q, q, height, width, q, product.data());
            double* const target = c.data() + column * q;
            for (std::int64_t i = 0; i < width * q; ++i) target[i] += static_cast<double>(product[i]);
        }
    }
}

std::vector<double> column_means(std::span<const float> x, std::int64_t rows, std::int64_t n) {
    check_shape(x.size(), rows, n);
    std::vector<double> means(static_cast<std::size_t>(n), 0.0);
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t at = 0; at < n; ++at)
            means[static_cast<std::size_t>(at)] += static_cast<double>(x[static_cast<std::size_t>(row * n + at)]);
    for (double& mean : means) mean /= static_cast<double>(std::max<std::int64_t>(1, rows));
    return means;
}

void accumulate_gram(std::span<const float> x, std::int64_t rows, std::int64_t n, std::span<double> gram) {
    check_shape(x.size(), rows, n);
    check_shape(gram.size(), n, n);
    if (n == 0) return;
    std::vector<float> product(static_cast<std::size_t>(std::min(n, kColumnBlock) * n));
    for (std::int64_t row = 0; row < rows; row += kRowBlock) {
        const std::int64_t height = std::min(kRowBlock, rows - row);
        for (std::int64_t column = 0; column < n; column += kColumnBlock) {
            const std::int64_t width = std::min(kColumnBlock, n - column);
            const std::int64_t reach = column + width;  // the columns up to the diagonal block's end
            backend().cross(x.data() + row * n + column, n, x.data() + row * n, n, height, width, reach, product.data());
            for (std::int64_t i = 0; i < width; ++i) {
                for (std::int64_t j = 0; j <= column + i; ++j) gram[(column + i) * n + j] += static_cast<double>(product[i * reach + j]);
            }
        }
    }
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t j = 0; j < i; ++j) gram[j * n + i] = gram[i * n + j];
    }
}

Factorization cholesky_solve(std::span<const double> a, std::int64_t n, double damping, std::span<double> b, std::int64_t columns) {
    check_shape(a.size(), n, n);
    check_shape(b.size(), n, columns);
    if (n == 0 || columns == 0) return Factorization::Done;
    std::vector<double> factor(a.begin(), a.end());
    if (!damp(factor, n, damping) || !backend().cholesky(factor.data(), n) || !finite_diagonal(factor, n))
        return Factorization::NotPositiveDefinite;
    backend().solve(factor.data(), n, b.data(), columns);
    return Factorization::Done;
}

Factorization lower_cholesky(std::span<double> a, std::int64_t n) {
    check_shape(a.size(), n, n);
    if (!backend().cholesky(a.data(), n) || !finite_diagonal(a, n)) return Factorization::NotPositiveDefinite;
    for (std::int64_t i = 0; i < n; ++i) std::fill(a.begin() + i * n + i + 1, a.begin() + (i + 1) * n, 0.0);
    return Factorization::Done;
}

Factorization inverse_upper_cholesky(std::span<double> a, std::int64_t n, double damping) {
    check_shape(a.size(), n, n);
    if (n == 0) return Factorization::Done;
    if (!damp(a, n, damping)) return Factorization::NotPositiveDefinite;
    // Reversing the order of a symmetric matrix's rows and columns turns its lower triangle into its upper one, which row-major storage reverses whole.
    for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t j = i + 1; j < n; ++j) a[i * n + j] = a[j * n + i];
    }
    std::reverse(a.begin(), a.end());
    if (lower_cholesky(a, n) != Factorization::Done) return Factorization::NotPositiveDefinite;
    backend().invert_lower(a.data(), n);
    std::reverse(a.begin(), a.end());
    return Factorization::Done;
}

}  // namespace mcompress::linalg
