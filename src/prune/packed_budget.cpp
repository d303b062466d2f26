#include "prune/packed_budget.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "prune/mask.h"
#include "support/error.h"
#include "support/format.h"
#include "support/parallel.h"

namespace mcompress {
namespace {

constexpr int kShares = 16;   // packed at 0, 1/16, … 1
constexpr int kSteps = 4096;  // of the share that is looked for

std::size_t width_of(DType dtype) { return static_cast<std::size_t>(std::max(8, dtype_bits(dtype))) / 8; }

std::vector<double> sizes_of(const BudgetLayer& layer, const Pattern& pattern, const PackedGoal& goal) {
    std::vector<double> scores;
    for (const float weight : layer.weights) scores.push_back(static_cast<double>(weight) * static_cast<double>(weight));
    const Pattern allowed = layer.fixed_sparsity == 0.0 ? Pattern{} : pattern;
    std::vector<double> sizes;
    for (int share = 0; share <= kShares; ++share) {
        const std::int64_t zeros = layer.grid.size() * share / kShares;
        const Mask mask = choose_mask(layer.grid, allowed, scores, zeros, RankWithin::Layer);
        std::vector<float> weights(layer.weights.begin(), layer.weights.end());
        for (std::size_t at = 0; at < weights.size(); ++at)
            if (!mask[at]) weights[at] = 0.0F;
        sizes.push_back(static_cast<double>(goal.bytes_of(std::as_bytes(std::span(weights)), sizeof(float), PackedCare::Estimate)));
    }
    return sizes;
}

}  // namespace

std::int64_t packed_bytes(const Graph& graph, const PackedGoal& goal, int threads) {
    std::vector<const Tensor*> tensors;
    for (const Value* value : graph.constants())
        if (const Tensor* tensor = value->constant(); tensor && tensor->dtype() != DType::String && !value->is_unused())
            tensors.push_back(tensor);
    std::vector<std::int64_t> sizes(tensors.size());
    parallel_for(tensors.size(), threads, [&](int, std::size_t at) {
        sizes[at] =
            goal.bytes_of({tensors[at]->stored_bytes(), tensors[at]->byte_size()}, width_of(tensors[at]->dtype()), PackedCare::Exact);
    });
    return std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
}

PackedSizes::PackedSizes(std::span<const BudgetLayer> layers, const Pattern& pattern, const PackedGoal& goal, int threads)
    : bytes_(layers.size()) {
    for (const BudgetLayer& layer : layers) weights_.push_back(static_cast<double>(layer.grid.size()));
    parallel_for(layers.size(), threads, [&](int, std::size_t at) { bytes_[at] = sizes_of(layers[at], pattern, goal); });
}

double PackedSizes::of(std::span<const std::int64_t> zeros) const {
    double sum = 0.0;
    for (std::size_t at = 0; at < bytes_.size(); ++at) {
        const double place = weights_[at] > 0.0 ? kShares * static_cast<double>(zeros[at]) / weights_[at] : 0.0;
        const auto below = std::min<std::size_t>(static_cast<std::size_t>(place), kShares - 1);
        sum += std::lerp(bytes_[at][below], bytes_[at][below + 1], place - static_cast<double>(below));
    }
    return sum;
}

double sparsity_for(Scope scope, std::span<const BudgetLayer> layers, const PackedSizes& sizes, double bytes) {
    const auto fits = [&](int step) { return sizes.of(zeros_by_layer(scope, layers, static_cast<double>(step) / kSteps)) <= bytes; };
    if (!fits(kSteps))
        throw Error(codes::kUsage, "even with every weight zero that may be pruned, the constants take more than is asked for once packed",
                    "ask for more bytes, or exclude fewer layers");
    int fails = -1, holds = kSteps;
    while (holds - fails > 1) {
        const int middle = fails + (holds - fails) / 2;
        (fits(middle) ? holds : fails) = middle;
    }
    return static_cast<double>(holds) / kSteps;
}

}  // namespace mcompress
