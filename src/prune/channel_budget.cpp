#include "prune/channel_budget.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "ops/attributes.h"
#include "ops/cost.h"

namespace mcompress {
namespace {

constexpr std::int64_t kBlock = 16;  // channels a kernel computes on at a time, whether they are there or not (AVX-512)
constexpr std::int64_t kFinestBlock = 8;
constexpr double kBlockShare = 0.65;  // of what is to be saved goes as whole blocks: more speed for more loss

std::int64_t blocks_of(std::int64_t channels) { return (channels + kBlock - 1) / kBlock; }

double share_left(const std::vector<int>& axis, const std::vector<bool>& removed, ChannelCosts::Width width) {
    if (axis.empty()) return 1.0;
    const auto gone =
        std::count_if(axis.begin(), axis.end(), [&](int unit) { return unit >= 0 && removed[static_cast<std::size_t>(unit)]; });
    const auto whole = static_cast<std::int64_t>(axis.size()), left = whole - gone;
    if (width == ChannelCosts::Width::Blocks) return static_cast<double>(blocks_of(left)) / static_cast<double>(blocks_of(whole));
    return static_cast<double>(left) / static_cast<double>(whole);
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

/// A group on its way: how many of its units are gone.
struct GroupState {
    std::size_t gone = 0, step = 1, most = 0;

    GroupState(std::size_t units, std::int64_t round_to) { take_steps_of(units, round_to); }

    void take_steps_of(std::size_t units, std::int64_t round_to) {
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

ChannelCosts::ChannelCosts(const Graph& graph, const ChannelUnits& units, ChannelCost cost) {
    if (cost == ChannelCost::Macs) count_products(graph, units);
    else count_bytes(graph, units);
}

void ChannelCosts::add(Part part) {
    if (part.axes.empty()) rest_ += part.cost;
    else parts_.push_back(std::move(part));
}

void ChannelCosts::count_products(const Graph& graph, const ChannelUnits& units) {
    for (const Node* node : graph.order()) {
        Part part{static_cast<double>(count_macs(*node).value_or(0)), {}};
        if (part.cost <= 0.0) continue;
        Axes axes = units.relations.out(*node, 0);
        for (int input = 0; input < node->input_count(); ++input)
            if (const Tensor* weight = known_tensor(node->input(input)); weight && weight->shape().rank() >= 2) {
                axes = units.relations.in(*node, input);
                break;
            }
        for (const std::vector<Atom>& axis : axes) {
            std::vector<int> along = units.units_of(axis);
            if (std::any_of(along.begin(), along.end(), [](int unit) { return unit >= 0; })) part.axes.push_back(std::move(along));
        }
        add(std::move(part));
    }
}

void ChannelCosts::count_bytes(const Graph& graph, const ChannelUnits& units) {
    std::map<const Value*, std::map<int, std::vector<int>>> axes;  // by constant and axis: the first reader's
    for (const UnitAxis& axis : units.axes)
        if (axis.input >= 0) axes[axis.node->input(axis.input)].try_emplace(axis.axis, axis.units);
    std::set<const Value*> seen;
    for (const Node* node : graph.order())
        for (int input = 0; input < node->input_count(); ++input) {
            const Value* const value = node->input(input);
            const Tensor* const tensor = known_tensor(value);
            if (!tensor || !seen.insert(value).second) continue;
            Part part{static_cast<double>(tensor->byte_size()), {}};
            if (const auto found = axes.find(value); found != axes.end())
                for (auto& [axis, along] : found->second) part.axes.push_back(std::move(along));
            add(std::move(part));
        }
}

std::int64_t ChannelCosts::total() const {
    double sum = rest_;
    for (const Part& part : parts_) sum += part.cost;
    return static_cast<std::int64_t>(std::llround(sum));
}

std::int64_t ChannelCosts::left(const std::vector<bool>& removed, Width width) const {
    double sum = rest_;
    for (const Part& part : parts_) {
        double cost = part.cost;
        for (const std::vector<int>& axis : part.axes) cost *= share_left(axis, removed, width);
        sum += cost;
    }
    return static_cast<std::int64_t>(std::llround(sum));
}

namespace {

/// Takes steps until enough is saved.
class Spending {
public:
    Spending(const ChannelUnits& units, const std::vector<ChannelCurve>& curves, const ChannelCosts& costs)
        : units_(units), curves_(curves), costs_(costs), removed_(choosable(units, {})) {
        for (const ChannelCurve& curve : curves) states_.emplace_back(curve.order.size(), 1);
    }

    /// Steps of `round_to`, each the one with the least error for what it saves, until no more than `most` is left; fewer when nothing more can go.
    void spend(std::int64_t round_to, ChannelCosts::Width width, std::int64_t most) {
        for (std::size_t group = 0; group < curves_.size(); ++group) states_[group].take_steps_of(curves_[group].order.size(), round_to);
        for (std::int64_t left = costs_.left(removed_, width); left > most; left = costs_.left(removed_, width)) {
            const std::size_t best = cheapest(width, left, most);
            if (best == curves_.size()) return;
            states_[best].gone = *states_[best].next(curves_[best].order.size());
            removed_ = choosable(units_, units_gone());
        }
    }

    const std::vector<bool>& removed() const { return removed_; }

private:
    std::vector<int> units_gone() const {
        std::vector<int> gone;
        for (std::size_t group = 0; group < curves_.size(); ++group)
            gone.insert(gone.end(), curves_[group].order.begin(),
                        curves_[group].order.begin() + static_cast<std::ptrdiff_t>(states_[group].gone));
        return gone;
    }

    /// The number of groups when no step saves anything.
    std::size_t cheapest(ChannelCosts::Width width, std::int64_t left, std::int64_t most) const {
        std::size_t best = curves_.size();
        double least = HUGE_VAL;
        for (std::size_t group = 0; group < curves_.size(); ++group) {
            const ChannelCurve& curve = curves_[group];
            const auto next = states_[group].next(curve.order.size());
            if (!next) continue;
            std::vector<bool> trial = removed_;
            for (std::size_t at = states_[group].gone; at < *next; ++at) trial[static_cast<std::size_t>(curve.order[at])] = true;
            const auto saved = static_cast<double>(std::min(left - costs_.left(trial, width), left - most));  // more is of no use
            const double cost = std::max(0.0, error_at(curve, *next) - error_at(curve, states_[group].gone));
            const double rate = saved > 0.0 ? cost / saved : HUGE_VAL;
            if (rate < least) {
                least = rate;
                best = group;
            }
        }
        return best;
    }

    const ChannelUnits& units_;
    const std::vector<ChannelCurve>& curves_;
    const ChannelCosts& costs_;
    std::vector<GroupState> states_;
    std::vector<bool> removed_;
};

}  // namespace

std::vector<bool> spend_channel_budget(const ChannelUnits& units, const std::vector<ChannelCurve>& curves, const ChannelCosts& costs,
                                       const ChannelBudget& budget) {
    Spending spending(units, curves, costs);
    if (budget.round_to == 0) {
        const std::int64_t saved = costs.total() - budget.left;
        spending.spend(kBlock, ChannelCosts::Width::Blocks,
                       costs.left(spending.removed(), ChannelCosts::Width::Blocks) -
                           std::llround(kBlockShare * static_cast<double>(saved)));
    }
    spending.spend(budget.round_to == 0 ? kFinestBlock : budget.round_to, ChannelCosts::Width::Channels, budget.left);
    return spending.removed();
}

}  // namespace mcompress
