// Det: determinants by elimination with the largest pivot of each column.
#include <cmath>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

/// Destroys `m`, a matrix of n rows and columns.
double determinant(std::vector<double>& m, std::int64_t n) {
    double result = 1.0;
    const auto at = [&](std::int64_t row, std::int64_t column) -> double& { return m[static_cast<std::size_t>(row * n + column)]; };
    for (std::int64_t k = 0; k < n; ++k) {
        std::int64_t pivot = k;
        for (std::int64_t row = k + 1; row < n; ++row)
            if (std::abs(at(row, k)) > std::abs(at(pivot, k))) pivot = row;
        if (at(pivot, k) == 0.0) return 0.0;
        if (pivot != k) {
            for (std::int64_t column = k; column < n; ++column) std::swap(at(pivot, column), at(k, column));
            result = -result;
        }
        result *= at(k, k);
        for (std::int64_t row = k + 1; row < n; ++row) {
            const double factor = at(row, k) / at(k, k);
            for (std::int64_t column = k + 1; column < n; ++column) at(row, column) -= factor * at(k, column);
        }
    }
    return result;
}

void det(const KernelContext& context) {
    const Tensor& x = context.required(0);
    const int rank = x.shape().rank();
    if (rank < 2 || x.shape()[rank - 1] != x.shape()[rank - 2])
        context.reject(format("expected square matrices, found shape {}", x.shape().to_string()));
    const std::int64_t n = x.shape()[rank - 1];
    const Shape shape(std::vector<std::int64_t>(x.shape().begin(), x.shape().end() - 2));
    Tensor& y = context.make_output(0, x.dtype(), shape);
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        T* to = y.mutable_data<T>();
        for (std::int64_t i = 0; i < y.element_count(); ++i) {
            const T* from = x.data<T>() + i * n * n;
            std::vector<double> matrix(from, from + n * n);
            to[i] = static_cast<T>(determinant(matrix, n));
        }
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Det", widened<det>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> determinant_kernels() { return kRows; }

}  // namespace mcompress::reference
