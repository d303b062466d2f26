// Scaled dot-product attention on rows of a head, for every operator that is a form of it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "engine/reference/routines.h"

namespace mcompress::reference {

/// Rows of scores that are computed together, so that keys and values are read once for all of them.
inline constexpr std::int64_t kAttentionRows = 8;
/// The same where an engine's routines multiply.
inline constexpr std::int64_t kRoutineRows = 64;

/// out[r][j] = Σ_k a[r][k] · b[k][j] for `rows` rows, with sums in order of k. Steps are in elements.
template <typename T>
void multiply_rows(const T* a, std::int64_t a_step, std::int64_t rows, std::int64_t inner, const T* b, std::int64_t b_step,
                   std::int64_t columns, T* out, std::int64_t out_step) {
    constexpr std::int64_t kTile = 256;
    for (std::int64_t first = 0; first < columns; first += kTile) {
        const std::int64_t count = std::min(kTile, columns - first);
        for (std::int64_t r = 0; r < rows; ++r) std::fill_n(out + r * out_step + first, count, T{0});
        std::int64_t k = 0;
        for (; k + 4 <= inner; k += 4) {
            const T *b0 = b + k * b_step + first, *b1 = b0 + b_step, *b2 = b1 + b_step, *b3 = b2 + b_step;
            for (std::int64_t r = 0; r < rows; ++r) {
                const T* factors = a + r * a_step + k;
                const T f0 = factors[0], f1 = factors[1], f2 = factors[2], f3 = factors[3];
                T* sums = out + r * out_step + first;
#pragma omp simd
                for (std::int64_t j = 0; j < count; ++j) sums[j] = sums[j] + f0 * b0[j] + f1 * b1[j] + f2 * b2[j] + f3 * b3[j];
            }
        }
        for (; k < inner; ++k)
            for (std::int64_t r = 0; r < rows; ++r) {
                const T factor = a[r * a_step + k];
                const T* right = b + k * b_step + first;
                T* sums = out + r * out_step + first;
#pragma omp simd
                for (std::int64_t j = 0; j < count; ++j) sums[j] += factor * right[j];
            }
    }
}

/// Softmax of `count` scores in place. A row without a score above minus infinity becomes zeros: nothing is attended to.
template <typename T> void softmax_or_zeros(T* scores, std::int64_t count) {
    T largest = -std::numeric_limits<T>::infinity();
    for (std::int64_t j = 0; j < count; ++j) largest = std::max(largest, scores[j]);
    if (largest == -std::numeric_limits<T>::infinity()) {
        std::fill_n(scores, count, T{0});
        return;
    }
    double sum = 0.0;
    for (std::int64_t j = 0; j < count; ++j) {
        scores[j] = std::exp(scores[j] - largest);
        sum += static_cast<double>(scores[j]);
    }
    const T factor = static_cast<T>(1.0 / sum);
    for (std::int64_t j = 0; j < count; ++j) scores[j] *= factor;
}

/// The same for neighbouring rows, on the calling thread.
template <typename T> void softmax_rows(const Routines* routines, T* scores, std::int64_t rows, std::int64_t columns) {
    if constexpr (std::is_same_v<T, float>)
        if (routines) {
            std::vector<float*> blind;  // rows of zeros
            for (float* row = scores; row < scores + rows * columns; row += columns)
                if (std::all_of(row, row + columns, [](float score) { return score == -std::numeric_limits<float>::infinity(); })) {
                    blind.push_back(row);
                    std::fill_n(row, columns, 0.0F);
                }
            routines->softmax(rows, columns, scores, 1);
            for (float* row : blind) std::fill_n(row, columns, 0.0F);
            return;
        }
    for (std::int64_t row = 0; row < rows; ++row) softmax_or_zeros(scores + row * columns, columns);
}

}  // namespace mcompress::reference
