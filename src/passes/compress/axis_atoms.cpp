#include "passes/compress/axis_atoms.h"

#include <algorithm>
#include <limits>

#include "ops/attributes.h"

namespace mcompress {

namespace {

/// Axes beyond it get no atoms: a flattened image has no channels that could be scaled one by one.
constexpr std::int64_t kLongestAxis = 1 << 18;

}  // namespace

AxisAtoms::AxisAtoms(const Graph& graph, AtomScope scope) {
    for (const Value* input : graph.inputs()) add(input, scope);
    for (const Value* constant : graph.constants())
        if (!known_tensor(constant)) add(constant, scope);  // a sparse one
    for (const Node* node : graph.order())
        for (const Value* output : node->outputs())
            if (output && !known_tensor(output)) add(output, scope);
}

std::vector<Atom> AxisAtoms::create(std::int64_t extent) {
    const std::int64_t room = std::numeric_limits<Atom>::max() - static_cast<std::int64_t>(parents_.size());
    std::vector<Atom> axis;
    if (extent < 0 || extent > std::min(kLongestAxis, room)) return axis;
    for (std::int64_t index = 0; index < extent; ++index) {
        axis.push_back(static_cast<Atom>(parents_.size()));
        parents_.push_back(axis.back());
        reason_ids_.push_back(-1);
    }
    return axis;
}

void AxisAtoms::add(const Value* value, AtomScope scope) {
    const ValueType& type = value->type();
    if (!type.is_tensor() || !type.has_rank()) return;
    if (scope == AtomScope::Float32Activations && type.dtype != DType::Float32) return;
    std::vector<std::vector<Atom>> axes;
    for (const Dim& dim : *type.dims) axes.push_back(create(dim.extent()));
    axes_.emplace(value, std::move(axes));
}

std::span<const Atom> AxisAtoms::along(const Value* value, int axis) const {
    const auto found = axes_.find(value);
    if (found == axes_.end() || axis < 0 || axis >= static_cast<int>(found->second.size())) return {};
    return found->second[static_cast<std::size_t>(axis)];
}

Axes AxisAtoms::axes(const Value* value) const {
    const auto found = axes_.find(value);
    return found == axes_.end() ? Axes{} : Axes(found->second);
}

int AxisAtoms::rank(const Value* value) const {
    const auto found = axes_.find(value);
    return found == axes_.end() ? 0 : static_cast<int>(found->second.size());
}

Atom AxisAtoms::root(Atom atom) const {
    auto at = static_cast<std::size_t>(atom);
    while (parents_[at] != static_cast<Atom>(at)) {
        parents_[at] = parents_[static_cast<std::size_t>(parents_[at])];
        at = static_cast<std::size_t>(parents_[at]);
    }
    return static_cast<Atom>(at);
}

void AxisAtoms::join(Atom a, Atom b) {
    const Atom first = std::min(root(a), root(b));
    const Atom second = std::max(root(a), root(b));
    if (first == second) return;
    std::int32_t& kept = reason_ids_[static_cast<std::size_t>(first)];
    const std::int32_t other = reason_ids_[static_cast<std::size_t>(second)];
    if (kept < 0 || (other >= 0 && other < kept)) kept = other;
    parents_[static_cast<std::size_t>(second)] = first;
}

void AxisAtoms::freeze(Atom atom, FreezeReason reason) { freeze(std::span(&atom, 1), reason); }

void AxisAtoms::freeze_fixed_values(const Graph& graph) {
    const auto freeze_all = [&](const Value* value, std::string_view clause) {
        for (const std::vector<Atom>& axis : axes(value)) freeze(axis, {value->producer(), clause});
    };
    for (const Value* input : graph.inputs()) freeze_all(input, "it is an input of the model");
    for (const Value* constant : graph.constants()) freeze_all(constant, "it is stored sparsely");
    for (const Value* output : graph.outputs()) freeze_all(output, "it is an output of the model");
    for (const Node* node : graph.order())
        for (const Value* output : node->outputs())
            if (output &&
                std::any_of(output->uses().begin(), output->uses().end(), [&](const Use& use) { return &use.node->graph() != &graph; }))
                freeze_all(output, "a body of another node reads it");
}

void AxisAtoms::freeze(std::span<const Atom> atoms, FreezeReason reason) {
    bool is_new = false;
    for (const Atom atom : atoms) {
        std::int32_t& id = reason_ids_[static_cast<std::size_t>(root(atom))];
        if (id >= 0) continue;
        id = static_cast<std::int32_t>(reasons_.size());
        is_new = true;
    }
    if (is_new) reasons_.push_back(reason);
}

bool AxisAtoms::are_frozen(std::span<const Atom> atoms) const {
    return std::all_of(atoms.begin(), atoms.end(), [&](Atom atom) { return is_frozen(atom); });
}

const FreezeReason& AxisAtoms::reason(Atom atom) const {
    return reasons_[static_cast<std::size_t>(reason_ids_[static_cast<std::size_t>(root(atom))])];
}

}  // namespace mcompress
