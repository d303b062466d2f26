#include "quant/gptq.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "quant/affine.h"
#include "quant/error_walk.h"
#include "support/check.h"
#include "support/parallel.h"
#include "tensor/linalg.h"

namespace mcompress {
namespace {

constexpr std::int64_t kRowsAtATime = 32;

/// One band of rows: weights are changed while errors are passed on.
void round_band(const RoundingPath& path, std::span<const float> upper, std::span<float> weights, std::span<const float> scales,
                QuantRange range, std::span<const float> exact, std::span<std::int8_t> codes) {
    const auto inputs = static_cast<std::int64_t>(path.order.size());
    walk_errors(upper, inputs, weights, static_cast<std::int64_t>(scales.size()),
                [&](std::int64_t row, std::int64_t at, std::span<const float> values) {
                    const float scale = scales[static_cast<std::size_t>(row)];
                    const auto place = static_cast<std::size_t>(row * inputs + path.order[static_cast<std::size_t>(at)]);
                    const bool is_pruned = !exact.empty() && exact[place] == 0.0F;
                    const std::int32_t code = is_pruned ? 0 : quantize_value(values[static_cast<std::size_t>(at)], scale, 0, range);
                    codes[place] = static_cast<std::int8_t>(code);
                    return dequantize_value(code, scale, 0);
                });
}

}  // namespace

RoundingPath plan_rounding(std::span<const double> moments, std::int64_t inputs, double damping) {
    MCOMPRESS_CHECK(static_cast<std::int64_t>(moments.size()) == inputs * inputs);
    RoundingPath path;
    path.order.resize(static_cast<std::size_t>(inputs));
    std::iota(path.order.begin(), path.order.end(), 0);
    const auto energy = [&](std::int32_t at) { return moments[static_cast<std::size_t>(at * (inputs + 1))]; };
    std::stable_sort(path.order.begin(), path.order.end(), [&](std::int32_t a, std::int32_t b) { return energy(a) > energy(b); });
    std::vector<double> ordered(moments.size());
    for (int attempt = 0; attempt < 4; ++attempt, damping *= 10.0) {
        for (std::int64_t row = 0; row < inputs; ++row)
            for (std::int64_t column = 0; column < inputs; ++column)
                ordered[static_cast<std::size_t>(row * inputs + column)] = moments[static_cast<std::size_t>(
                    path.order[static_cast<std::size_t>(row)] * inputs + path.order[static_cast<std::size_t>(column)])];
        for (std::int64_t at = 0; at < inputs; ++at) {
            double& diagonal = ordered[static_cast<std::size_t>(at * (inputs + 1))];
            if (diagonal == 0.0) diagonal = 1.0;
        }
        if (linalg::inverse_upper_cholesky(ordered, inputs, damping) == linalg::Factorization::Done) {
            path.factor.assign(ordered.begin(), ordered.end());
            return path;
        }
    }
    return {};
}

std::vector<std::int8_t> round_along(const RoundingPath& path, std::span<const float> weights, std::span<const float> scales,
                                     QuantRange range, int threads, std::span<const float> exact) {
    const std::size_t inputs = path.order.size();
    MCOMPRESS_CHECK(!path.empty() && weights.size() == scales.size() * inputs && (exact.empty() || exact.size() == weights.size()));
    std::vector<float> ordered(weights.size());
    for (std::size_t row = 0; row < scales.size(); ++row)
        for (std::size_t at = 0; at < inputs; ++at)
            ordered[row * inputs + at] = weights[row * inputs + static_cast<std::size_t>(path.order[at])];
    std::vector<std::int8_t> codes(weights.size());
    parallel_chunks(scales.size(), static_cast<std::size_t>(kRowsAtATime), threads, [&](std::size_t, std::size_t begin, std::size_t end) {
        const std::size_t first = begin * inputs, count = (end - begin) * inputs;
        round_band(path, path.factor, std::span(ordered).subspan(first, count), scales.subspan(begin, end - begin), range,
                   exact.empty() ? exact : exact.subspan(first, count), std::span(codes).subspan(first, count));
    });
    return codes;
}

}  // namespace mcompress
