// Checks of shapes, blocking over rows and columns, damping; the arithmetic is the backend's.
#include "tensor/linalg.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "support/check.h"
#include "support/parallel.h"
#include "tensor/linalg_backend.h"

namespace mcompress::linalg {

namespace {

constexpr std::int64_t kRowBlock = 512;                         // sums of float products are this long before they are added in double
constexpr std::int64_t kColumnBlock = 256;                      // rows of the scratch matrix
constexpr std::size_t kInverseColumns = 64, kMeansAtOnce = 64;  // columns that one thread takes

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

void multiply(std::span<const double> a, std::span<const double> b, std::span<double> c, Extents extents) {
    const auto [m, n, k] = extents;
    check_shape(a.size(), m, k);
    check_shape(b.size(), k, n);
    check_shape(c.size(), m, n);
    if (m == 0 || n == 0) return;
    backend().multiply(a.data(), b.data(), c.data(), m, n, k);
}

void combine_rows(std::span<const float> rows, std::span<const float> factors, std::span<float> to) {
    MCOMPRESS_CHECK(rows.size() == factors.size() * to.size());
    const auto n = static_cast<std::int64_t>(to.size());
    backend().combine(rows.data(), n, factors.data(), static_cast<std::int64_t>(factors.size()), to.data(), n);
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

std::vector<double> column_means(std::span<const float> x, std::int64_t rows, std::int64_t n, int threads) {
    check_shape(x.size(), rows, n);
    const auto width = static_cast<std::size_t>(n);
    std::vector<double> means(width, 0.0);
    parallel_chunks(width, kMeansAtOnce, threads, [&](std::size_t, std::size_t begin, std::size_t end) {
        for (std::size_t row = 0; row < x.size(); row += width)
            for (std::size_t at = begin; at < end; ++at) means[at] += static_cast<double>(x[row + at]);
    });
    for (double& mean : means) mean /= static_cast<double>(std::max<std::int64_t>(1, rows));
    return means;
}

void accumulate_gram(std::span<const float> x, std::int64_t rows, std::int64_t n, std::span<double> gram, int threads) {
    check_shape(x.size(), rows, n);
    check_shape(gram.size(), n, n);
    if (n == 0) return;
    const std::int64_t blocks = (n + kColumnBlock - 1) / kColumnBlock;
    parallel_for(static_cast<std::size_t>(blocks), threads, [&](int, std::size_t number) {
        const std::int64_t column = (blocks - 1 - static_cast<std::int64_t>(number)) * kColumnBlock;  // those with the most work first
        const std::int64_t width = std::min(kColumnBlock, n - column),
                           reach = column + width;  // the columns up to the diagonal block's end
        std::vector<float> product(static_cast<std::size_t>(width * reach));
        for (std::int64_t row = 0; row < rows; row += kRowBlock) {
            const std::int64_t height = std::min(kRowBlock, rows - row);
            backend().cross(x.data() + row * n + column, n, x.data() + row * n, n, height, width, reach, product.data());
            for (std::int64_t i = 0; i < width; ++i) {
                for (std::int64_t j = 0; j <= column + i; ++j) gram[(column + i) * n + j] += static_cast<double>(product[i * reach + j]);
            }
        }
    });
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

/// Columns c to c + w of the inverse, from row c on, are what the trailing block of the factor makes of unit vectors: what lies above follows from symmetry.
Factorization invert_symmetric(std::span<double> a, std::int64_t n, int threads) {
    check_shape(a.size(), n, n);
    if (!backend().cholesky(a.data(), n) || !finite_diagonal(a, n)) return Factorization::NotPositiveDefinite;
    const std::vector<double> factor(a.begin(), a.end());
    const auto size = static_cast<std::size_t>(n);
    parallel_chunks(size, kInverseColumns, threads, [&](std::size_t, std::size_t first, std::size_t end) {
        const std::size_t rest = size - first, width = end - first;
        std::vector<double> block(rest * rest), columns(rest * width, 0.0);
        for (std::size_t row = 0; row < rest; ++row)
            std::copy_n(factor.begin() + static_cast<std::ptrdiff_t>((first + row) * size + first), row + 1,
                        block.begin() + static_cast<std::ptrdiff_t>(row * rest));
        for (std::size_t at = 0; at < width; ++at) columns[at * width + at] = 1.0;
        backend().solve(block.data(), static_cast<std::int64_t>(rest), columns.data(), static_cast<std::int64_t>(width));
        for (std::size_t row = 0; row < rest; ++row)
            for (std::size_t at = 0; at < std::min(width, row + 1); ++at) a[(first + row) * size + first + at] = columns[row * width + at];
    });
    for (std::size_t row = 0; row < size; ++row)
        for (std::size_t at = 0; at < row; ++at) a[at * size + row] = a[row * size + at];
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
