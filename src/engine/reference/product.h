// The matrix product over any element and accumulator types, and the batch arithmetic of MatMul.
#pragma once

#include <algorithm>
#include <vector>

#include "engine/reference/convolve.h"
#include "engine/reference/kernel.h"
#include "engine/reference/strided.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress::reference {

/// A matrix by strides in elements.
template <typename T> struct MatrixView {
    const T* data;
    std::int64_t row_step, column_step;
};

/// sums[j] = Σ_k a(row, k) · b(k, j), for one row of a. `a_zero` and `b_zero(j)` are zero points.
template <typename A, typename B, typename Acc, typename ZeroOf>
void product_row(const MatrixView<A>& a, std::int64_t row, const MatrixView<B>& b, std::int64_t inner, std::vector<Acc>& sums, Acc a_zero,
                 ZeroOf b_zero) {
    const std::int64_t columns = static_cast<std::int64_t>(sums.size());
    const A* left = a.data + row * a.row_step;
    if (b.column_step == 1) {
        std::fill(sums.begin(), sums.end(), Acc{});
        Acc total{};
        for (std::int64_t k = 0; k < inner; ++k) {
            const Acc factor = static_cast<Acc>(left[k * a.column_step]) - a_zero;
            total += factor;
            const B* right = b.data + k * b.row_step;
            for (std::int64_t j = 0; j < columns; ++j) sums[static_cast<std::size_t>(j)] += factor * static_cast<Acc>(right[j]);
        }
        for (std::int64_t j = 0; j < columns; ++j) sums[static_cast<std::size_t>(j)] -= total * b_zero(j);
        return;
    }
    for (std::int64_t j = 0; j < columns; ++j) {
        Acc sum{};
        const Acc zero = b_zero(j);
        const B* right = b.data + j * b.column_step;
        for (std::int64_t k = 0; k < inner; ++k)
            sum += (static_cast<Acc>(left[k * a.column_step]) - a_zero) * (static_cast<Acc>(right[k * b.row_step]) - zero);
        sums[static_cast<std::size_t>(j)] = sum;
    }
}

/// Sizes of a NumPy matmul: one-dimensional operands are promoted, leading dimensions broadcast.
struct MatMulSizes {
    std::int64_t batch = 1, rows = 1, inner = 1, columns = 1;
    Shape output;
    std::vector<std::int64_t> a_offsets, b_offsets;  // in elements, one a batch entry

    MatMulSizes(const KernelContext& context, const Shape& a, const Shape& b);
};

/// Runs body(batch entry, row) for all rows of all products; with threads where it pays.
template <typename Body> void for_each_row(const KernelContext& context, const MatMulSizes& sizes, Body&& body) {
    const std::int64_t rows = sizes.batch * sizes.rows;
    parallel_for(static_cast<std::size_t>(rows), rows * sizes.inner * sizes.columns > kWorthThreads ? context.threads : 1,
                 [&](int, std::size_t index) {
                     const auto row = static_cast<std::int64_t>(index);
                     body(row / sizes.rows, row % sizes.rows);
                 });
}

}  // namespace mcompress::reference
