// The walk of GPTQ: inputs are rounded one after the other, and what each rounding missed is passed on to those that follow.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "tensor/linalg.h"

namespace mcompress {

/// `weights` [rows, inputs] are changed on the way; `upper` [inputs, inputs] is the upper Cholesky factor of the inverse of the inputs' products, in the order
/// of the walk. round(row, at, values) is called for every row at every input in order, where `values` [inputs] are the row's weights with all errors made
/// so far in them (those of the last 128 inputs reach only inputs of the same 128 until these are done), and returns what values[at] is rounded to.
template <typename Round>
void walk_errors(std::span<const float> upper, std::int64_t inputs, std::span<float> weights, std::int64_t rows, Round&& round) {
    constexpr std::int64_t kPanel = 128;
    std::vector<float> errors(static_cast<std::size_t>(rows * kPanel));
    std::vector<float> correction;
    std::vector<float> behind;
    for (std::int64_t begin = 0; begin < inputs; begin += kPanel) {
        const std::int64_t end = std::min(begin + kPanel, inputs), width = end - begin;
        for (std::int64_t row = 0; row < rows; ++row) {
            float* const values = weights.data() + row * inputs;
            for (std::int64_t at = begin; at < end; ++at) {
                const float* const factor = upper.data() + at * inputs;
                const float rounded = round(row, at, std::span<const float>(values, static_cast<std::size_t>(inputs)));
                const float error = (values[at] - rounded) / factor[at];
                errors[static_cast<std::size_t>(row * width + at - begin)] = error;
                for (std::int64_t next = at + 1; next < end; ++next) values[next] -= error * factor[next];
            }
        }
        const std::int64_t rest = inputs - end;
        if (rest == 0) continue;
        // What lies beyond the panel: errors [rows, width] x factor [width, rest].
        behind.resize(static_cast<std::size_t>(width * rest));
        for (std::int64_t at = 0; at < width; ++at)
            std::copy_n(upper.data() + (begin + at) * inputs + end, rest, behind.data() + at * rest);
        correction.resize(static_cast<std::size_t>(rows * rest));
        linalg::gemm({std::span<const float>(errors).first(static_cast<std::size_t>(rows * width))}, {behind}, correction,
                     {.m = rows, .n = rest, .k = width});
        for (std::int64_t row = 0; row < rows; ++row)
            for (std::int64_t at = 0; at < rest; ++at)
                weights[static_cast<std::size_t>(row * inputs + end + at)] -= correction[static_cast<std::size_t>(row * rest + at)];
    }
}

}  // namespace mcompress
