#include "tune/channel_groups.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "ops/attributes.h"
#include "tune/product_weights.h"

namespace mcompress {

namespace {

bool is_free(const AxisAtoms& atoms, std::span<const Atom> along) { return !atoms.are_frozen(along); }

/// The axis of a value that has factors; -1 when none has.
int free_axis(const AxisAtoms& atoms, const Value* value) {
    for (int axis = 0; axis < atoms.rank(value); ++axis)
        if (is_free(atoms, atoms.along(value, axis))) return axis;
    return -1;
}

/// What several axes of a value could take has no one range a channel: those values keep their numbers.
void freeze_second_axes(const std::vector<const Value*>& values, AxisAtoms& atoms) {
    for (const Value* value : values) {
        int free_axes = 0;
        for (int axis = 0; axis < atoms.rank(value); ++axis) free_axes += is_free(atoms, atoms.along(value, axis)) ? 1 : 0;
        if (free_axes < 2) continue;
        for (int axis = 0; axis < atoms.rank(value); ++axis)
            atoms.freeze(atoms.along(value, axis), {value->producer(), "several of its axes could have factors"});
    }
}

/// Numbers the classes of atoms that some constant takes a factor of.
class ChannelNumbers {
public:
    explicit ChannelNumbers(const AxisAtoms& atoms) : atoms_(atoms) {}

    void add(const std::vector<Atom>& list) {
        for (const Atom atom : list)
            if (!atoms_.is_frozen(atom)) numbers_.try_emplace(atoms_.root(atom), static_cast<int>(numbers_.size()));
    }
    std::vector<int> of(std::span<const Atom> list) const {
        std::vector<int> channels;
        channels.reserve(list.size());
        for (const Atom atom : list) {
            const auto found = atoms_.is_frozen(atom) ? numbers_.end() : numbers_.find(atoms_.root(atom));
            channels.push_back(found == numbers_.end() ? -1 : found->second);
        }
        return channels;
    }
    int count() const { return static_cast<int>(numbers_.size()); }

private:
    const AxisAtoms& atoms_;
    std::unordered_map<Atom, int> numbers_;
};

/// Joins channels that meet in a value.
class Meetings {
public:
    explicit Meetings(int channels) : parents_(static_cast<std::size_t>(channels)) {
        for (std::size_t index = 0; index < parents_.size(); ++index) parents_[index] = static_cast<int>(index);
    }
    int root(int channel) const {
        while (parents_[static_cast<std::size_t>(channel)] != channel) channel = parents_[static_cast<std::size_t>(channel)];
        return channel;
    }
    void join(const std::vector<int>& channels) {
        int first = -1;
        for (const int channel : channels) {
            if (channel < 0) continue;
            const int root = this->root(channel);
            if (first < 0) first = root;
            const int low = std::min(first, root);
            parents_[static_cast<std::size_t>(std::max(first, root))] = low;
            parents_[static_cast<std::size_t>(channel)] = low;
            first = low;
        }
    }

private:
    std::vector<int> parents_;
};

std::string describe(const FreezeReason& reason) {
    if (!reason.node) return std::string(reason.clause);
    return format("'{}' ({}): {}", reason.node->display_name(), reason.node->op_type(), reason.clause);
}

/// Results of products whose every channel is frozen, with the reason of the first one.
std::vector<FrozenChannels> collect_frozen(const Graph& graph, const AxisAtoms& atoms) {
    std::vector<FrozenChannels> frozen;
    for (const Node* node : graph.order()) {
        if (!is_product(*node) || !known_tensor(node->input(1)) || free_axis(atoms, node->output(0)) >= 0) continue;
        const int rank = atoms.rank(node->output(0));
        const std::span<const Atom> channels = atoms.along(node->output(0), node->is("MatMul") ? rank - 1 : 1);
        frozen.push_back({node->output(0)->name(), channels.empty() ? "its channels are not known" : describe(atoms.reason(channels[0]))});
    }
    return frozen;
}

}  // namespace

ChannelGroups find_channel_groups(const Graph& graph, const std::vector<std::string>& fixed) {
    ScaleRelations relations = relate_scales(graph);
    AxisAtoms& atoms = relations.atoms;
    for (const std::string& name : fixed)
        if (const Value* value = graph.find_value(name))
            for (int axis = 0; axis < atoms.rank(value); ++axis)
                atoms.freeze(atoms.along(value, axis), {nullptr, "the recipe speaks of it"});
    std::vector<const Value*> values;
    for (const Node* node : graph.order())
        for (const Value* output : node->outputs())
            if (output && atoms.rank(output) > 0) values.push_back(output);
    freeze_second_axes(values, atoms);

    ChannelGroups result;
    ChannelNumbers numbers(atoms);
    for (const ScaledConstant& constant : relations.constants) numbers.add(constant.atoms);
    result.channel_count = numbers.count();
    for (ScaledConstant& constant : relations.constants)
        if (!atoms.are_frozen(constant.atoms))
            result.constants.push_back({constant.node, constant.input, std::move(constant.dims), std::move(constant.strides),
                                        numbers.of(constant.atoms), constant.direction});

    std::vector<ChannelAxis> axes;
    Meetings meetings(numbers.count());
    for (const Value* value : values) {
        const int axis = free_axis(atoms, value);
        if (axis < 0) continue;
        axes.push_back({value, axis, numbers.of(atoms.along(value, axis))});
        meetings.join(axes.back().channels);
    }
    std::unordered_map<int, std::size_t> group_of;  // by the root of its channels
    for (int channel = 0; channel < numbers.count(); ++channel) {
        const auto [found, is_new] = group_of.try_emplace(meetings.root(channel), result.groups.size());
        if (is_new) result.groups.emplace_back();
        result.groups[found->second].channels.push_back(channel);
    }
    std::unordered_map<const Value*, std::size_t> group_of_value;
    for (ChannelAxis& axis : axes) {
        const auto first = std::find_if(axis.channels.begin(), axis.channels.end(), [](int channel) { return channel >= 0; });
        if (first == axis.channels.end()) continue;
        const std::size_t group = group_of.at(meetings.root(*first));
        group_of_value.emplace(axis.value, group);
        result.groups[group].axes.push_back(std::move(axis));
    }
    for (const ClipBound& bound : relations.bounds)
        if (const auto found = group_of_value.find(bound.value); found != group_of_value.end())
            result.groups[found->second].bounds.push_back(bound);
    result.frozen = collect_frozen(graph, atoms);
    return result;
}

}  // namespace mcompress
