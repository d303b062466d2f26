// SparseGPT's walk over the columns of a layer.
#include <algorithm>

#include "prune/factor_panels.h"
#include "prune/fit_masked.h"
#include "support/check.h"
#include "support/parallel.h"
#include "tensor/linalg.h"

namespace mcompress {
namespace {

constexpr std::size_t kRowsAtOnce = 4;

/// SparseGPT's walk over columns in some order, panel by panel.
class MaskedWalk {
public:
    MaskedWalk(const MaskedProblem& problem, std::span<const std::int32_t> order)
        : problem_(problem),
          order_(order),
          inputs_(static_cast<std::size_t>(problem.inputs)),
          outputs_(static_cast<std::size_t>(problem.outputs)) {}

    WalkedWeights run(std::size_t panel, const ChoosePanel& choose) {
        prepare();
        const std::unique_ptr<FactorPanels> panels = factor_panels(problem_, order_);
        for (std::size_t begin = 0; begin < inputs_; begin += panel) {
            const std::size_t width = std::min(panel, inputs_ - begin);
            const std::vector<float> factor = panels->panel(begin, width);
            if (factor.empty()) return {};
            const std::vector<float> errors = take_out(factor, begin, width, chosen(factor, begin, width, choose));
            pass_on(factor, errors, begin, width);
        }
        WalkedWeights result{std::vector<float>(weights_.size()), Mask(weights_.size())};
        for (std::size_t row = 0; row < outputs_; ++row)
            for (std::size_t at = 0; at < inputs_; ++at) {
                const std::size_t place = row * inputs_ + static_cast<std::size_t>(order_[at]);
                result.mask[place] = mask_[row * inputs_ + at];
                result.weights[place] = result.mask[place] ? weights_[row * inputs_ + at] : 0.0F;
            }
        return result;
    }

private:
    /// The weights in the order of the walk.
    void prepare() {
        weights_.resize(problem_.weights.size());
        mask_.resize(weights_.size());
        for (std::size_t row = 0; row < outputs_; ++row)
            for (std::size_t at = 0; at < inputs_; ++at)
                weights_[row * inputs_ + at] = problem_.weights[row * inputs_ + static_cast<std::size_t>(order_[at])];
    }

    Mask chosen(std::span<const float> factor, std::size_t begin, std::size_t width, const ChoosePanel& choose) const {
        std::vector<float> current(outputs_ * width), diagonal(width);
        for (std::size_t at = 0; at < width; ++at) diagonal[at] = factor[at * (inputs_ - begin + 1)];
        for (std::size_t row = 0; row < outputs_; ++row)
            std::copy_n(weights_.begin() + static_cast<std::ptrdiff_t>(row * inputs_ + begin), width,
                        current.begin() + static_cast<std::ptrdiff_t>(row * width));
        Mask mask = choose(current, diagonal, static_cast<std::int64_t>(begin), static_cast<std::int64_t>(width));
        MCOMPRESS_CHECK(mask.size() == current.size());
        return mask;
    }

    /// Zeroes what the panel's mask says, passing errors on within the panel; returns them, [outputs, width].
    std::vector<float> take_out(std::span<const float> factor, std::size_t begin, std::size_t width, const Mask& mask) {
        std::vector<float> errors(outputs_ * width, 0.0F);
        const std::size_t end = begin + width;
        parallel_chunks(outputs_, kRowsAtOnce, problem_.threads, [&](std::size_t, std::size_t first, std::size_t last) {
            for (std::size_t row = first; row < last; ++row) {
                float* const values = weights_.data() + row * inputs_;
                for (std::size_t at = begin; at < end; ++at) {
                    const std::size_t place = row * width + at - begin;
                    mask_[row * inputs_ + at] = mask[place];
                    if (mask[place]) continue;
                    const float* const line = factor.data() + (at - begin) * (inputs_ - begin);
                    const float error = values[at] / line[at - begin];
                    errors[place] = error;
                    values[at] = 0.0F;
                    for (std::size_t next = at + 1; next < end; ++next) values[next] -= error * line[next - begin];
                }
            }
        });
        return errors;
    }

    /// To the columns behind the panel: errors [outputs, width] x factor [width, rest].
    void pass_on(std::span<const float> factor, std::span<const float> errors, std::size_t begin, std::size_t width) {
        const std::size_t end = begin + width, rest = inputs_ - end;
        if (rest == 0) return;
        std::vector<float> behind(width * rest), correction(outputs_ * rest);
        for (std::size_t at = 0; at < width; ++at)
            std::copy_n(factor.begin() + static_cast<std::ptrdiff_t>(at * (width + rest) + width), rest,
                        behind.begin() + static_cast<std::ptrdiff_t>(at * rest));
        linalg::gemm({errors}, {behind}, correction,
                     {.m = problem_.outputs, .n = static_cast<std::int64_t>(rest), .k = static_cast<std::int64_t>(width)});
        for (std::size_t row = 0; row < outputs_; ++row)
            for (std::size_t at = 0; at < rest; ++at) weights_[row * inputs_ + end + at] -= correction[row * rest + at];
    }

    const MaskedProblem& problem_;
    std::span<const std::int32_t> order_;
    std::size_t inputs_, outputs_;
    std::vector<float> weights_;  // in the order of the walk
    Mask mask_;                   // likewise
};

}  // namespace

WalkedWeights walk_masked(const MaskedProblem& problem, std::span<const std::int32_t> order, std::int64_t panel,
                          const ChoosePanel& choose) {
    MCOMPRESS_CHECK(static_cast<std::int64_t>(order.size()) == problem.inputs && panel > 0);
    return MaskedWalk(problem, order).run(static_cast<std::size_t>(panel), choose);
}

}  // namespace mcompress
