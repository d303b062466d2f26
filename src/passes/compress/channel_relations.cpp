#include "passes/compress/channel_relations.h"

#include <algorithm>

#include "ops/attributes.h"
#include "ops/op_info.h"
#include "passes/compress/list_argument.h"

namespace mcompress {

namespace {

const ChannelRule* find_rule(const Node& node) {
    for (const std::span<const ChannelRule> rules : {compute_channel_rules(), layout_channel_rules(), sequence_channel_rules()})
        for (const ChannelRule& rule : rules)
            if (rule.op == node.op_type() && rule.domain == node.domain()) return &rule;
    return nullptr;
}

bool has_ranks(const Node& node) {
    const auto is_known = [](const Value* value) { return !value || (value->type().is_tensor() && value->type().has_rank()); };
    return std::all_of(node.inputs().begin(), node.inputs().end(), is_known) &&
           std::all_of(node.outputs().begin(), node.outputs().end(), is_known);
}

/// Element by element on equal extents, or on NumPy's broadcasting. Before opset 7 an operand could be placed at any axis of the other.
void relate_elementwise(const Node& node, ChannelRelations& relations) {
    const Axes result = relations.out(node, 0);
    for (int input = 0; input < node.input_count(); ++input) {
        const Axes operand = relations.in(node, input);
        const bool is_placed = node.domain().empty() && node.opset_version() < 7 && !operand.empty() && operand.size() != result.size();
        if (is_placed) return relations.freeze(node, "its operand is placed at an axis of the other");
    }
    for (int output = 0; output < node.output_count(); ++output)
        for (int input = 0; input < node.input_count(); ++input)
            relations.join_broadcast(node, relations.in(node, input), relations.out(node, output));
}

std::vector<std::vector<Atom>> atoms_of_constant(const Node& node, const Tensor& tensor, AxisAtoms& atoms) {
    std::vector<std::vector<Atom>> axes;
    for (const std::int64_t extent : tensor.shape()) axes.push_back(atoms.create(extent));
    if (dtype_bits(tensor.dtype()) < 8)
        for (const std::vector<Atom>& axis : axes) atoms.freeze(axis, {&node, "its constant is packed or text"});
    return axes;
}

}  // namespace

ChannelRelations::ChannelRelations(Graph& graph, NormalizedAxes normalized)
    : atoms(graph, AtomScope::Activations), normalized_axes(normalized) {
    const auto keep_single = [&](const Node* node, Axes axes) {
        for (const std::vector<Atom>& axis : axes)
            if (axis.size() == 1) atoms.freeze(axis, {node, "it is the only one of its axis"});
    };
    for (const Node* node : graph.order()) {
        std::vector<std::vector<std::vector<Atom>>> inputs(static_cast<std::size_t>(node->input_count()));
        for (int input = 0; input < node->input_count(); ++input) {
            const Tensor* tensor = known_tensor(node->input(input));
            if (!tensor) continue;
            inputs[static_cast<std::size_t>(input)] = atoms_of_constant(*node, *tensor, atoms);
            keep_single(node, inputs[static_cast<std::size_t>(input)]);
        }
        constants_.emplace(node, std::move(inputs));
        for (const Value* output : node->outputs())
            if (output) keep_single(node, atoms.axes(output));
    }
}

Axes ChannelRelations::in(const Node& node, int input) const {
    const Value* value = input < 0 ? nullptr : node.input(input);
    if (!value) return {};
    if (!known_tensor(value)) return atoms.axes(value);
    const auto found = constants_.find(&node);
    return found == constants_.end() ? Axes{} : Axes(found->second[static_cast<std::size_t>(input)]);
}

std::span<const Atom> ChannelRelations::at(Axes axes, int axis) {
    if (axis < 0 || axis >= static_cast<int>(axes.size())) return {};
    return axes[static_cast<std::size_t>(axis)];
}

void ChannelRelations::join(const Node& node, std::span<const Atom> a, std::span<const Atom> b) {
    if (a.size() != b.size()) {
        freeze(node, a, "its operands' extents are not known to be equal");
        return freeze(node, b, "its operands' extents are not known to be equal");
    }
    for (std::size_t index = 0; index < a.size(); ++index) atoms.join(a[index], b[index]);
}

void ChannelRelations::join(const Node& node, Axes a, Axes b) {
    if (a.size() != b.size()) {
        freeze(node, a, "its operands' ranks are not known to be equal");
        return freeze(node, b, "its operands' ranks are not known to be equal");
    }
    for (std::size_t axis = 0; axis < a.size(); ++axis) join(node, a[axis], b[axis]);
}

void ChannelRelations::join_broadcast(const Node& node, Axes operand, Axes result) {
    if (operand.size() > result.size()) {
        freeze(node, operand, "its result's shape is not known");
        return;
    }
    const std::size_t offset = result.size() - operand.size();
    for (std::size_t axis = 0; axis < operand.size(); ++axis)
        if (operand[axis].size() != 1) join(node, operand[axis], result[axis + offset]);
}

void ChannelRelations::freeze(const Node& node, Axes axes, std::string_view clause) { freeze_others(node, axes, -1, clause); }

void ChannelRelations::freeze_others(const Node& node, Axes axes, int axis, std::string_view clause) {
    for (int other = 0; other < static_cast<int>(axes.size()); ++other)
        if (other != axis) freeze(node, at(axes, other), clause);
}

void ChannelRelations::freeze(const Node& node, std::string_view clause) {
    for (int input = 0; input < node.input_count(); ++input) freeze(node, in(node, input), clause);
    for (int output = 0; output < node.output_count(); ++output) freeze(node, out(node, output), clause);
}

void ChannelRelations::freeze_inputs(const Node& node, int first, std::string_view clause) {
    for (int input = first; input < node.input_count(); ++input) freeze(node, in(node, input), clause);
}

void ChannelRelations::compose(const Node& node, std::span<const Atom> whole, std::vector<std::vector<Atom>> parts) {
    std::size_t product = 1;
    for (const std::vector<Atom>& part : parts) product *= part.size();
    if (product == whole.size()) {
        std::erase_if(parts, [](const std::vector<Atom>& part) { return part.size() == 1; });
        if (parts.size() == 1) return join(node, whole, parts[0]);
        composites.push_back({&node, {whole.begin(), whole.end()}, std::move(parts)});
        return;
    }
    freeze(node, whole, "its axis is split in parts of unknown extents");
    for (const std::vector<Atom>& part : parts) freeze(node, part, "its axis is split in parts of unknown extents");
}

void ChannelRelations::count_attribute(Node& node, std::string_view attribute, std::span<const Atom> axis) {
    counts.push_back({&node, -1, std::string(attribute), -1, {axis.begin(), axis.end()}});
}

void ChannelRelations::count_element(Node& node, int input, std::string_view attribute, int index, std::span<const Atom> axis,
                                     CountedInteger::Sign sign) {
    if (input >= 0 && !list_element(node, input, index)) return freeze(node, axis, "the extent it asks for is computed");
    counts.push_back({&node, input, std::string(attribute), index, {axis.begin(), axis.end()}, sign});
}

ChannelRelations relate_channels(Graph& graph, NormalizedAxes normalized) {
    ChannelRelations relations(graph, normalized);
    relations.atoms.freeze_fixed_values(graph);
    for (Node* node : graph.order()) {
        if (node->output_count() > 0 && known_tensor(node->output(0))) continue;  // a constant
        const ChannelRule* rule = find_rule(*node);
        const OpInfo* info = op_info(*node);
        if (!has_ranks(*node)) relations.freeze(*node, "the shape of an operand or result is not known");
        else if (rule) rule->relate(*node, relations);
        else if (info && info->data_flow == DataFlow::Elementwise && node->op_type() != "ImageScaler") relate_elementwise(*node, relations);
        else relations.freeze(*node, info ? "no channel is removed through this operator" : "its operator is not known");
    }
    return relations;
}

}  // namespace mcompress
