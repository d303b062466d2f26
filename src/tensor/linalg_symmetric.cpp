#include "tensor/linalg_symmetric.h"

#include <algorithm>
#include <cmath>

// A namespace of its own, for the reason given in linalg_kernels.h.
#define EIGEN_NO_DEBUG
#define EIGEN_DONT_PARALLELIZE
#define Eigen Eigen_symmetric
#include <Eigen/Core>
#include <Eigen/Eigenvalues>

#include "support/check.h"

namespace mcompress::linalg {

SymmetricEigen symmetric_eigen(std::span<const double> a, std::int64_t n) {
    MCOMPRESS_CHECK(n >= 0 && a.size() == static_cast<std::size_t>(n * n));
    SymmetricEigen result;
    if (n == 0) return result;
    MCOMPRESS_CHECK(std::all_of(a.begin(), a.end(), [](double value) { return std::isfinite(value); }));
    using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const Eigen::SelfAdjointEigenSolver<Matrix> solver(Eigen::Map<const Matrix>(a.data(), n, n));
    MCOMPRESS_CHECK(solver.info() == Eigen::Success);
    result.values.reserve(static_cast<std::size_t>(n));
    result.vectors.reserve(static_cast<std::size_t>(n * n));
    for (std::int64_t at = n; at-- > 0;) {
        const auto column = solver.eigenvectors().col(at);
        std::int64_t largest = 0;
        for (std::int64_t i = 1; i < n; ++i)
            if (std::abs(column(i)) > std::abs(column(largest))) largest = i;
        const double sign = column(largest) < 0.0 ? -1.0 : 1.0;
        result.values.push_back(solver.eigenvalues()(at));
        for (std::int64_t i = 0; i < n; ++i) result.vectors.push_back(sign * column(i));
    }
    return result;
}

}  // namespace mcompress::linalg
