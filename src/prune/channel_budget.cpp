#include "prune/channel_budget.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "ops/attributes.h"
#include "ops/cost.h"

namespace mcompress {
namespace {

double share_left(const std::vector<int>& axis, const std::vector<bool>& removed) {
    if (axis.empty()) return 1.0;
    const auto gone =
        std::count_if(axis.begin(), axis.end(), [&](int unit) { return unit >= 0 && removed[static_cast<std::size_t>(unit)]; });
    return 1.0 - static_cast<double>(gone) / static_cast<double>(axis.size());
}

/// The error of the first `count` units, by the curve's points and 0 at none.
double error_at(const ChannelCurve& curve, std::size_t count) {
    const double share = static_cast<double>(count) / static_cast<double>(curve.order.size());
    ErrorPoint before{0.0, 0.0};
    for (const ErrorPoint& point : curve.errors) {
        if (share <= point.sparsity)
            return before.error +
                   (point.error - before.error) * (share - before.sparsity) / std::max(1e-12, point.sparsity - before.sparsity);
        before = point;
    }
    return before.error * (share / std::max(1e-12, before.sparsity));  // beyond the last point
}

constexpr std::int64_t kFinestBlock = 8;

/// A group on its way: how many of its units are gone.
struct GroupState {
    std::size_t gone = 0, step = 1, most = 0;

    GroupState(std::size_t units, std::int64_t round_to) {
        step = static_cast<std::size_t>(std::max<std::int64_t>(1, round_to));
        // Kernels compute on blocks of channels, and what is left of a block takes the time of a whole one: a step that says a block is kept to. Smaller ones
        // serve accuracy and give way in small groups.
        while (round_to <= kFinestBlock && step > 1 && step * 4 > units) step /= 2;
        const std::size_t kept = std::max(step, (units + 7) / 8);
        most = units >= 2 * step && units > kept ? units - kept : 0;
    }
    /// The next number of units gone that leaves a multiple of the step; nothing when there is none.
    std::optional<std::size_t> next(std::size_t units) const {
        const std::size_t left = units - gone, after = left % step == 0 ? left - std::min(left, step) : left - left % step;
        return units - after <= most ? std::optional(units - after) : std::nullopt;
    }
};

}  // namespace

ChannelMacs::ChannelMacs(const Graph& graph, const ChannelUnits& units) {
    for (const Node* node : graph.order()) {
        const auto macs = static_cast<double>(count_macs(*node).value_or(0));
        if (macs <= 0.0) continue;
        Product product{macs, {}};
        Axes axes = units.relations.out(*node, 0);
        for (int input = 0; input < node->input_count(); ++input)
            if (const Tensor* weight = known_tensor(node->input(input)); weight && weight->shape().rank() >= 2) {
                axes = units.relations.in(*node, input);
                break;
            }
        for (const std::vector<Atom>& axis : axes) {
            std::vector<int> along = units.units_of(axis);
            if (std::any_of(along.begin(), along.end(), [](int unit) { return unit >= 0; })) product.axes.push_back(std::move(along));
        }
        if (product.axes.empty()) rest_ += macs;
        else products_.push_back(std::move(product));
    }
}

std::int64_t ChannelMacs::total() const {
    double sum = rest_;
    for (const Product& product : products_) sum += product.macs;
    return static_cast<std::int64_t>(std::llround(sum));
}

std::int64_t ChannelMacs::left(const std::vector<bool>& removed) const {
    double sum = rest_;
    for (const Product& product : products_) {
        double macs = product.macs;
        for (const std::vector<int>& axis : product.axes) macs *= share_left(axis, removed);
        sum += macs;
    }
    return static_cast<std::int64_t>(std::llround(sum));
}

std::vector<bool> spend_channel_budget(const ChannelUnits& units, const std::vector<ChannelCurve>& curves, const ChannelMacs& macs,
                                       const ChannelBudget& budget) {
    std::vector<GroupState> states;
    for (const ChannelCurve& curve : curves) states.emplace_back(curve.order.size(), budget.round_to);
    const auto units_gone = [&] {
        std::vector<int> gone;
        for (std::size_t group = 0; group < curves.size(); ++group)
            gone.insert(gone.end(), curves[group].order.begin(),
                        curves[group].order.begin() + static_cast<std::ptrdiff_t>(states[group].gone));
        return choosable(units, gone);
    };
    std::vector<bool> removed = units_gone();
    std::int64_t left = macs.left(removed);
    while (left > budget.macs) {
        std::size_t best = curves.size();
        double least = HUGE_VAL;
        for (std::size_t group = 0; group < curves.size(); ++group) {
            const auto next = states[group].next(curves[group].order.size());
            if (!next) continue;
            std::vector<bool> trial = removed;
            for (std::size_t at = states[group].gone; at < *next; ++at) trial[static_cast<std::size_t>(curves[group].order[at])] = true;
            const auto saved = static_cast<double>(left - macs.left(trial));
            const double cost = std::max(0.0, error_at(curves[group], *next) - error_at(curves[group], states[group].gone));
            const double rate = saved > 0.0 ? cost / saved : HUGE_VAL;
            if (rate < least) {
                least = rate;
                best = group;
            }
        }
        if (best == curves.size()) break;
        states[best].gone = *states[best].next(curves[best].order.size());
        removed = units_gone();
        left = macs.left(removed);
    }
    return removed;
}

}  // namespace mcompress
