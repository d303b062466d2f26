#include "quant/code_descent.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "support/check.h"
#include "support/parallel.h"
#include "tensor/linalg.h"

namespace mcompress {
namespace {

constexpr int kSweeps = 8;
constexpr std::size_t kRowsAtATime = 32;

using Partners = std::vector<std::vector<std::int32_t>>;

Partners partners_of(std::span<const CodePair> pairs, std::size_t inputs) {
    Partners partners(pairs.empty() ? 0 : inputs);
    for (const CodePair& pair : pairs) {
        partners[static_cast<std::size_t>(pair.first)].push_back(pair.second);
        partners[static_cast<std::size_t>(pair.second)].push_back(pair.first);
    }
    return partners;
}

/// One row on its way down. `slopes` is (A + damping) d: half of how fast the error falls as a weight grows.
class Row {
public:
    Row(std::span<const float> matrix, const Partners& partners, QuantRange range, std::span<const float> weights, float scale,
        std::span<float> slopes, std::span<std::int8_t> codes)
        : matrix_(matrix), partners_(partners), range_(range), weights_(weights), scale_(scale), slopes_(slopes), codes_(codes) {}

    bool sweep() {
        bool has_moved = false;
        for (std::size_t at = 0; at < codes_.size(); ++at) has_moved = move(at) || has_moved;
        return has_moved;
    }

private:
    bool move(std::size_t at) {
        if (weights_[at] == 0.0F && codes_[at] == 0) return false;
        const float curvature = matrix_[at * codes_.size() + at] * scale_;
        if (!(curvature > 0.0F)) return false;
        const float wanted = std::nearbyint(slopes_[at] / curvature);
        if (wanted == 0.0F || !std::isfinite(wanted)) return false;
        const int best =
            std::clamp(static_cast<int>(codes_[at]) + static_cast<int>(std::clamp(wanted, -255.0F, 255.0F)), range_.min, range_.max);
        const auto steps = static_cast<float>(best - codes_[at]);
        // Beyond the best point by less than it lay before it: the error falls.
        if (!(steps * (2.0F * slopes_[at] - steps * curvature) > 0.0F) || !fits(at, best)) return false;
        codes_[at] = static_cast<std::int8_t>(best);
        const float* const column = matrix_.data() + at * codes_.size();
        for (std::size_t other = 0; other < codes_.size(); ++other) slopes_[other] -= steps * scale_ * column[other];
        return true;
    }

    bool fits(std::size_t at, int code) const {
        if (partners_.empty()) return true;
        return std::all_of(partners_[at].begin(), partners_[at].end(), [&](std::int32_t other) {
            return pair_magnitude(static_cast<std::int8_t>(code), codes_[static_cast<std::size_t>(other)]) <= pair_limit();
        });
    }

    std::span<const float> matrix_;
    const Partners& partners_;
    QuantRange range_;
    std::span<const float> weights_;
    float scale_;
    std::span<float> slopes_;
    std::span<std::int8_t> codes_;
};

}  // namespace

void descend_codes(const CodeDescent& problem, std::span<const float> weights, std::span<const float> scales,
                   std::span<std::int8_t> codes) {
    const std::size_t outputs = scales.size(), inputs = outputs == 0 ? 0 : codes.size() / outputs;
    MCOMPRESS_CHECK(weights.size() == codes.size() && codes.size() == outputs * inputs && problem.moments.size() == inputs * inputs);
    const std::span<const float> exact = problem.exact.empty() ? weights : problem.exact;
    MCOMPRESS_CHECK(exact.size() == weights.size());
    std::vector<float> matrix(problem.moments.begin(), problem.moments.end());
    double trace = 0.0;
    for (std::size_t at = 0; at < inputs; ++at) trace += problem.moments[at * inputs + at];
    for (std::size_t at = 0; at < inputs; ++at)
        matrix[at * inputs + at] += static_cast<float>(problem.damping * trace / static_cast<double>(inputs));
    const Partners partners = partners_of(problem.pairs, inputs);
    parallel_chunks(outputs, kRowsAtATime, problem.threads, [&](std::size_t, std::size_t begin, std::size_t end) {
        const std::size_t first = begin * inputs, count = (end - begin) * inputs;
        std::vector<float> errors(count), slopes(count);
        for (std::size_t at = 0; at < count; ++at)
            errors[at] = weights[first + at] - scales[begin + at / inputs] * static_cast<float>(codes[first + at]);
        const auto size = static_cast<std::int64_t>(inputs);
        linalg::gemm({errors}, {matrix}, slopes, {.m = static_cast<std::int64_t>(end - begin), .n = size, .k = size});
        for (std::size_t row = begin; row < end; ++row) {
            const std::span<std::int8_t> own = codes.subspan(row * inputs, inputs);
            if (!(scales[row] > 0.0F) || (!problem.pairs.empty() && !pairs_fit(own, problem.pairs))) continue;
            Row descent(matrix, partners, problem.range, exact.subspan(row * inputs, inputs), scales[row],
                        std::span(slopes).subspan((row - begin) * inputs, inputs), own);
            for (int sweep = 0; sweep < kSweeps && descent.sweep(); ++sweep) {
            }
        }
    });
}

}  // namespace mcompress
