#include "prune/budget.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "support/check.h"

namespace mcompress {
namespace {

// clang-format off
constexpr std::array<ScopeRow, 5> kScopes{{
    {Scope::Uniform, "uniform", "the same share of every layer; none of depthwise convolutions", true},
    {Scope::Global, "global", "one threshold of the weights' magnitude for the whole model", false},
    {Scope::Erk, "erk", "denser where a layer is small: outputs + inputs over outputs times inputs; none of depthwise convolutions", true},
    {Scope::Lamp, "lamp", "one threshold of each weight's share of its layer's larger ones", false},
    {Scope::Measured, "measured", "by the error that each layer's zeros cause on the data", false},
}};
// clang-format on

using Counts = std::vector<std::int64_t>;

/// Shares of layers as whole numbers that sum up to `total`: the largest remainders are rounded up.
Counts rounded(std::span<const BudgetLayer> layers, std::span<const double> wanted, std::int64_t total) {
    Counts counts(layers.size());
    std::int64_t left = total;
    std::vector<std::pair<double, std::size_t>> order;
    for (std::size_t at = 0; at < layers.size(); ++at) {
        const double clipped = std::clamp(wanted[at], 0.0, static_cast<double>(layers[at].grid.size()));
        counts[at] = static_cast<std::int64_t>(std::floor(clipped));
        left -= counts[at];
        order.emplace_back(-(clipped - std::floor(clipped)), at);
    }
    std::sort(order.begin(), order.end());
    for (; left != 0;) {
        const std::int64_t before = left;
        for (const auto& [remainder, at] : order) {
            const std::int64_t step = left > 0 ? 1 : left < 0 ? -1 : 0;
            if (counts[at] + step < 0 || counts[at] + step > layers[at].grid.size()) continue;
            counts[at] += step;
            left -= step;
        }
        if (left == before) break;  // every layer is full, or empty
    }
    return counts;
}

std::int64_t weights_of(std::span<const BudgetLayer> layers) {
    return std::accumulate(layers.begin(), layers.end(), std::int64_t{0},
                           [](std::int64_t sum, const BudgetLayer& layer) { return sum + layer.grid.size(); });
}

Counts uniform(std::span<const BudgetLayer> layers, std::int64_t total) {
    const double share = static_cast<double>(total) / static_cast<double>(std::max<std::int64_t>(1, weights_of(layers)));
    std::vector<double> wanted;
    for (const BudgetLayer& layer : layers) wanted.push_back(share * static_cast<double>(layer.grid.size()));
    return rounded(layers, wanted, total);
}

/// The least `total` of all layers' scores; equal ones by layer and position.
template <typename Scores> Counts by_threshold(std::span<const BudgetLayer> layers, std::int64_t total, const Scores& scores_of) {
    std::vector<std::pair<double, std::uint32_t>> all;
    for (std::size_t at = 0; at < layers.size(); ++at)
        for (const double score : scores_of(layers[at])) all.emplace_back(score, static_cast<std::uint32_t>(at));
    Counts counts(layers.size(), 0);
    if (total <= 0) return counts;
    std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(total) - 1, all.end());
    for (std::int64_t at = 0; at < total; ++at) ++counts[all[static_cast<std::size_t>(at)].second];
    return counts;
}

Counts global(std::span<const BudgetLayer> layers, std::int64_t total) {
    return by_threshold(layers, total, [](const BudgetLayer& layer) {
        std::vector<double> scores;
        for (const float weight : layer.weights) scores.push_back(static_cast<double>(std::abs(weight)));
        return scores;
    });
}

Counts lamp(std::span<const BudgetLayer> layers, std::int64_t total) {
    return by_threshold(layers, total, [](const BudgetLayer& layer) {
        std::vector<double> scores;
        for (const float weight : layer.weights) scores.push_back(static_cast<double>(weight) * static_cast<double>(weight));
        std::sort(scores.begin(), scores.end());
        double rest = 0.0;
        for (auto score = scores.rbegin(); score != scores.rend(); ++score) {
            rest += *score;
            *score = rest > 0.0 ? *score / rest : 0.0;
        }
        return scores;
    });
}

Counts erk(std::span<const BudgetLayer> layers, std::int64_t total) {
    std::vector<double> density;
    for (const BudgetLayer& layer : layers) {
        const double extents =
            static_cast<double>(layer.grid.outputs + layer.grid.channels) + 2.0 * std::sqrt(static_cast<double>(layer.grid.taps));
        density.push_back(extents / static_cast<double>(std::max<std::int64_t>(1, layer.grid.size())));
    }
    std::vector<bool> is_dense(layers.size(), false);
    double factor = 0.0;
    for (std::size_t round = 0; round <= layers.size(); ++round) {
        double kept = -static_cast<double>(total), raw = 0.0;
        for (std::size_t at = 0; at < layers.size(); ++at) {
            const double size = static_cast<double>(layers[at].grid.size());
            kept += is_dense[at] ? 0.0 : size;
            raw += is_dense[at] ? 0.0 : density[at] * size;
        }
        factor = raw > 0.0 ? std::max(0.0, kept / raw) : 0.0;
        bool is_settled = true;
        for (std::size_t at = 0; at < layers.size(); ++at)
            if (!is_dense[at] && factor * density[at] > 1.0) {
                is_dense[at] = true;
                is_settled = false;
            }
        if (is_settled) break;
    }
    std::vector<double> wanted;
    for (std::size_t at = 0; at < layers.size(); ++at)
        wanted.push_back(is_dense[at] ? 0.0 : (1.0 - factor * density[at]) * static_cast<double>(layers[at].grid.size()));
    return rounded(layers, wanted, total);
}

/// A stretch of a layer's hull.
struct Step {
    double slope = 0.0;  // error a zero
    double zeros = 0.0;
    std::size_t layer = 0;
};

/// The lower convex hull of the points from (0, 0) on, as steps of rising slope.
void add_hull(const BudgetLayer& layer, std::size_t number, std::vector<Step>& steps) {
    std::vector<ErrorPoint> hull{{0.0, 0.0}};
    const auto slope = [](const ErrorPoint& a, const ErrorPoint& b) { return (b.error - a.error) / (b.sparsity - a.sparsity); };
    for (const ErrorPoint& point : layer.errors) {
        if (!(point.sparsity > hull.back().sparsity)) continue;
        while (hull.size() > 1 && slope(hull[hull.size() - 2], hull.back()) >= slope(hull[hull.size() - 2], point)) hull.pop_back();
        hull.push_back(point);
    }
    const double size = static_cast<double>(layer.grid.size());
    for (std::size_t at = 1; at < hull.size(); ++at)
        steps.push_back({slope(hull[at - 1], hull[at]) / size, (hull[at].sparsity - hull[at - 1].sparsity) * size, number});
}

Counts measured(std::span<const BudgetLayer> layers, std::int64_t total) {
    std::vector<Step> steps;
    std::vector<double> wanted(layers.size(), 0.0);
    for (std::size_t at = 0; at < layers.size(); ++at) add_hull(layers[at], at, steps);
    std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) { return a.slope < b.slope; });
    double left = static_cast<double>(total);
    for (const Step& step : steps) {
        const double taken = std::min(left, step.zeros);
        wanted[step.layer] += taken;
        left -= taken;
        if (left <= 0.0) break;
    }
    return rounded(layers, wanted, total);
}

/// Whether depthwise convolutions can stay dense: the others keep at least half of the density asked for.
bool can_spare_depthwise(std::span<const BudgetLayer> layers, std::int64_t total) {
    std::int64_t others = 0;
    for (const BudgetLayer& layer : layers) others += layer.grid.is_depthwise() ? 0 : layer.grid.size();
    const double kept = static_cast<double>(weights_of(layers) - total), kept_of_others = static_cast<double>(others - total);
    return others > 0 && kept_of_others * static_cast<double>(weights_of(layers)) >= 0.5 * kept * static_cast<double>(others);
}

using Distribute = Counts (*)(std::span<const BudgetLayer> layers, std::int64_t total);
constexpr std::array<Distribute, 5> kDistribute{uniform, global, erk, lamp, measured};  // by Scope

}  // namespace

std::span<const ScopeRow> all_scopes() { return kScopes; }

const ScopeRow& scope_row(Scope scope) {
    return *std::find_if(kScopes.begin(), kScopes.end(), [&](const ScopeRow& row) { return row.scope == scope; });
}

std::vector<std::int64_t> zeros_by_layer(Scope scope, std::span<const BudgetLayer> layers, double sparsity) {
    MCOMPRESS_CHECK(sparsity >= 0.0 && sparsity <= 1.0);
    std::vector<std::int64_t> zeros(layers.size(), 0);
    std::vector<BudgetLayer> open;
    std::vector<std::size_t> places;
    for (std::size_t at = 0; at < layers.size(); ++at) {
        if (layers[at].fixed_sparsity) {
            zeros[at] = std::llround(*layers[at].fixed_sparsity * static_cast<double>(layers[at].grid.size()));
            continue;
        }
        open.push_back(layers[at]);
        places.push_back(at);
    }
    const std::int64_t total = std::llround(sparsity * static_cast<double>(weights_of(open)));
    // They are a few percent of the weights, and nothing stands in for one of a kernel's nine (Zhu and Gupta 2017, Evci et al. 2020).
    if (scope_row(scope).keeps_depthwise && can_spare_depthwise(open, total)) {
        std::erase_if(places, [&](std::size_t at) { return layers[at].grid.is_depthwise(); });
        std::erase_if(open, [](const BudgetLayer& layer) { return layer.grid.is_depthwise(); });
    }
    const Counts found = kDistribute[static_cast<std::size_t>(scope)](open, total);
    for (std::size_t at = 0; at < open.size(); ++at) zeros[places[at]] = found[at];
    return zeros;
}

}  // namespace mcompress
