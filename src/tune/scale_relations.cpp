#include "tune/scale_relations.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "ops/attributes.h"

namespace mcompress {

namespace {

/// A constant that others read too is copied when it changes: worth it for vectors, not for embeddings.
constexpr std::size_t kLargestCopy = 64 * 1024;

std::int64_t product(const std::vector<std::int64_t>& dims) {
    return std::accumulate(dims.begin(), dims.end(), std::int64_t{1}, std::multiplies<>());
}

const ScaleRule* find_rule(const Node& node) {
    if (!node.domain().empty()) return nullptr;
    for (const std::span<const ScaleRule> rules : {compute_scale_rules(), layout_scale_rules()})
        for (const ScaleRule& rule : rules)
            if (rule.op == node.op_type()) return &rule;
    return nullptr;
}

}  // namespace

void ScaleRelations::join(const Node& node, const Value* a, int a_axis, const Value* b, int b_axis) {
    const std::span<const Atom> first = atoms.along(a, a_axis);
    const std::span<const Atom> second = atoms.along(b, b_axis);
    if (first.size() != second.size()) {
        atoms.freeze(first, {&node, "its operands' extents are not known to be equal"});
        atoms.freeze(second, {&node, "its operands' extents are not known to be equal"});
        return;
    }
    for (std::size_t index = 0; index < first.size(); ++index) atoms.join(first[index], second[index]);
}

void ScaleRelations::join(const Node& node, const Value* a, const Value* b) {
    const int rank = std::max(atoms.rank(a), atoms.rank(b));
    if (atoms.rank(a) == atoms.rank(b)) {
        for (int axis = 0; axis < rank; ++axis) join(node, a, axis, b, axis);
        return;
    }
    freeze(node, a, "its operands' ranks are not known to be equal");
    freeze(node, b, "its operands' ranks are not known to be equal");
}

void ScaleRelations::freeze(const Node& node, const Value* value, int axis, std::string_view clause) {
    atoms.freeze(atoms.along(value, axis), {&node, clause});
}

void ScaleRelations::freeze(const Node& node, const Value* value, std::string_view clause) { freeze_others(node, value, -1, clause); }

void ScaleRelations::freeze_others(const Node& node, const Value* value, int axis, std::string_view clause) {
    for (int other = 0; other < atoms.rank(value); ++other)
        if (other != axis) freeze(node, value, other, clause);
}

void ScaleRelations::freeze(const Node& node, std::string_view clause) {
    for (const Value* input : node.inputs())
        if (input) freeze(node, input, clause);
    for (const Value* output : node.outputs())
        if (output) freeze(node, output, clause);
}

void ScaleRelations::scale(ScaledConstant constant) {
    const auto refuse = [&](std::string_view clause) { atoms.freeze(constant.atoms, {constant.node, clause}); };
    if (constant.atoms.empty()) return;
    const Value* value = constant.node->input(constant.input);
    const Tensor* tensor = known_tensor(value);
    if (!tensor) return refuse("its weight is not a constant");
    if (tensor->dtype() != DType::Float32) return refuse("its weight is not float32");
    if (product(constant.dims) != tensor->element_count()) return refuse("its weight does not fit its operand");
    if (value->uses().size() > 1 && tensor->byte_size() > kLargestCopy) return refuse("its weight has other readers");
    constants.push_back(std::move(constant));
}

void ScaleRelations::scale_along(Node& node, int input, int axis, std::span<const Atom> along, ScaleDirection direction) {
    const Tensor* tensor = known_tensor(node.input(input));
    std::vector<Atom> list(along.begin(), along.end());
    if (!tensor || axis >= tensor->shape().rank() || tensor->shape()[axis] != static_cast<std::int64_t>(along.size()))
        return atoms.freeze(along, {&node, tensor ? "its weight does not fit its operand" : "its weight is not a constant"});
    std::vector<std::int64_t> strides(tensor->shape().dims().size(), 0);
    strides[static_cast<std::size_t>(axis)] = 1;
    scale({&node, input, tensor->shape().dims(), std::move(strides), std::move(list), direction});
}

void ScaleRelations::scale_broadcast(Node& node, int input, const Value* value, ScaleDirection direction, std::string_view once) {
    const Tensor* tensor = known_tensor(node.input(input));
    const int rank = atoms.rank(value);
    const int offset = tensor ? rank - tensor->shape().rank() : 0;
    for (int axis = 0; axis < rank; ++axis) {
        const std::span<const Atom> along = atoms.along(value, axis);
        if (atoms.are_frozen(along)) continue;
        const std::int64_t extent = axis < offset || !tensor ? 1 : tensor->shape()[axis - offset];
        if (extent == static_cast<std::int64_t>(along.size()) && axis >= offset) scale_along(node, input, axis - offset, along, direction);
        else if (!once.empty()) atoms.freeze(along, {&node, once});
    }
}

ScaleRelations relate_scales(const Graph& graph) {
    ScaleRelations relations(graph);
    relations.atoms.freeze_fixed_values(graph);
    for (Node* node : graph.order()) {
        if (node->output_count() > 0 && known_tensor(node->output(0))) continue;  // a constant
        const ScaleRule* rule = find_rule(*node);
        if (rule) rule->relate(*node, relations);
        else relations.freeze(*node, "no factor passes through it");
    }
    return relations;
}

}  // namespace mcompress
