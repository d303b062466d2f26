#include "engine/shape_propagation.h"

#include <algorithm>
#include <unordered_set>

#include "ir/topology.h"
#include "ops/infer_graph.h"
#include "ops/propagate.h"
#include "support/error.h"
#include "tensor/compare.h"

namespace mcompress {

namespace {

constexpr std::size_t kLargestFolded = std::size_t{1} << 30;
/// Elements of dequantized weights that are computed only when somebody wants them. Larger ones are left to the run: see kFoldingGrowthBytes.
constexpr std::int64_t kFewestDeferred = std::int64_t{1} << 14, kMostDeferred = std::int64_t{1} << 24;

std::vector<Tensor> known_inputs(const PropagatedValues& values, const Node& node) {
    std::vector<Tensor> inputs;
    for (const Value* input : node.inputs()) inputs.push_back(input ? *values.stored_tensor(input) : Tensor{});
    return inputs;
}

class Propagation {
public:
    Propagation(const Graph& graph, const FoldNode& fold) : graph_(graph) { values_.fold = fold; }

    void bind_inputs(const std::map<std::string, Shape>& shapes, std::span<const GivenValue> given) {
        for (const GivenValue& each : given) values_.types[each.value] = each.type;
        for (const Value* input : graph_.inputs()) {
            if (values_.types.contains(input)) continue;
            ValueType type = input->type();
            const auto found = shapes.find(input->name());
            if (found != shapes.end()) {
                const auto merged = merge_types(type, ValueType::tensor(type.dtype, found->second));
                if (!merged)
                    fail(codes::kDataMismatch, "input '{}' is {}, the shape given is {}", input->name(), type.to_string(),
                         found->second.to_string());
                type = *merged;
            } else if (const Tensor* tensor = input->default_value()) {
                type = ValueType::tensor(tensor->dtype(), tensor->shape());
                values_.known[input] = *tensor;
            }
            values_.types[input] = type;
        }
    }

    void visit(const Node& node) {
        std::vector<ValueType> types;
        std::vector<const Tensor*> constants;
        std::vector<const IntegerValues*> integers;
        bool all_known = true;
        for (const Value* input : node.inputs()) {
            types.push_back(input ? type_of(input) : ValueType{});
            constants.push_back(input ? known_of(input) : nullptr);
            integers.push_back(input ? integers_of(input) : nullptr);
            all_known = all_known && (!input || values_.is_known(input));
        }
        std::vector<ValueType> outputs = infer_node_with(node, {types, constants, integers, {}});
        outputs.resize(static_cast<std::size_t>(node.output_count()));
        for (int index = 0; index < node.output_count(); ++index) {
            if (!node.output(index)) continue;
            ValueType& type = outputs[static_cast<std::size_t>(index)];
            if (type.kind == ValueType::Kind::Unknown) type = node.output(index)->type();
            values_.types[node.output(index)] = type;
        }
        if (all_known && is_deferrable(node, outputs)) values_.deferred[node.output(0)] = &node;
        else if (all_known && can_fold(node, outputs)) fold(node);
        else learn_integers(node, types, integers);
        const Value* output = first_output(node);
        if (!output || !values_.is_known(output)) values_.nodes.push_back(&node);
    }

    /// Drops nodes nobody reads.
    PropagatedValues finish(std::span<const Value* const> kept) {
        std::unordered_set<const Value*> read(kept.begin(), kept.end());
        for (const Value* output : graph_.outputs()) read.insert(output);
        std::vector<const Node*> live;
        for (auto node = values_.nodes.rbegin(); node != values_.nodes.rend(); ++node) {
            const auto wanted = [&](const Value* output) { return output && read.contains(output); };
            if (!std::any_of((*node)->outputs().begin(), (*node)->outputs().end(), wanted) && !(*node)->is("mcompress", "Observe"))
                continue;
            live.push_back(*node);
            for (const Value* input : (*node)->inputs())
                if (input) read.insert(input);
            if (!(*node)->subgraphs().empty())
                for (const Value* captured : captured_values(**node)) read.insert(captured);
        }
        values_.nodes.assign(live.rbegin(), live.rend());
        return std::move(values_);
    }

private:
    static const Value* first_output(const Node& node) {
        for (const Value* output : node.outputs())
            if (output) return output;
        return nullptr;
    }

    const ValueType& type_of(const Value* value) {
        const auto [place, is_new] = values_.types.try_emplace(value);
        if (is_new)
            place->second = value->constant() ? ValueType::tensor(value->constant()->dtype(), value->constant()->shape()) : value->type();
        return place->second;
    }

    const Tensor* known_of(const Value* value) {
        if (value->constant()) return value->constant();
        const auto found = values_.known.find(value);
        return found == values_.known.end() ? nullptr : &found->second;
    }

    const IntegerValues* integers_of(const Value* value) {
        if (const auto found = integers_.find(value); found != integers_.end()) return &found->second;
        const Tensor* tensor = known_of(value);
        auto values = tensor ? IntegerValues::of(*tensor) : std::nullopt;
        return values ? &(integers_[value] = std::move(*values)) : nullptr;
    }

    /// What follows from the shapes of values whose contents are not known: `Shape` and what is computed from it.
    void learn_integers(const Node& node, std::span<const ValueType> inputs, std::span<const IntegerValues* const> integers) {
        const Value* output = node.output(0);
        if (!output) return;
        auto learned = propagate_integers(node, inputs, integers, type_of(output));
        if (!learned) return;
        if (auto tensor = learned->tensor()) values_.known[output] = std::move(*tensor);
        integers_[output] = std::move(*learned);
    }

    static bool is_deferrable(const Node& node, const std::vector<ValueType>& outputs) {
        if (!node.is("DequantizeLinear") || !node.output(0) || !node.input(0) || !node.input(0)->constant()) return false;
        const auto shape = outputs[0].shape();
        const auto elements = shape ? shape->checked_element_count() : std::nullopt;
        return elements && *elements >= kFewestDeferred && *elements <= kMostDeferred;
    }

    static bool can_fold(const Node& node, const std::vector<ValueType>& outputs) {
        if (!node.subgraphs().empty() || node.is("mcompress", "Observe")) return false;
        const OpInfo* info = op_info(node);
        if (!info || info->determinism == Determinism::Random) return false;
        for (std::size_t index = 0; index < outputs.size(); ++index) {
            if (!node.output(static_cast<int>(index))) continue;
            const auto shape = outputs[index].shape();
            if (!shape) continue;
            const auto elements = shape->checked_element_count();
            if (!elements || static_cast<std::size_t>(*elements) > kLargestFolded / 8) return false;
        }
        return first_output(node) != nullptr;
    }

    void fold(const Node& node) {
        const std::vector<Tensor> outputs = values_.fold(node, known_inputs(values_, node));
        if (outputs.empty()) return;
        for (int index = 0; index < node.output_count(); ++index) {
            const Tensor& tensor = outputs[static_cast<std::size_t>(index)];
            if (!node.output(index)) continue;
            if (!tensor.defined()) return;
            values_.known[node.output(index)] = tensor;
            values_.types[node.output(index)] = ValueType::tensor(tensor.dtype(), tensor.shape());
        }
    }

    const Graph& graph_;
    PropagatedValues values_;
    std::unordered_map<const Value*, IntegerValues> integers_;
};

}  // namespace

std::optional<Shape> PropagatedValues::shape(const Value* value) const {
    if (value->constant()) return value->constant()->shape();
    const auto found = types.find(value);
    if (found == types.end() || !found->second.is_tensor()) return std::nullopt;
    return found->second.shape();
}

DType PropagatedValues::stored_dtype(const Value* value) const {
    if (value->constant()) return value->constant()->dtype();
    const auto found = types.find(value);
    return found == types.end() || !found->second.is_tensor() ? DType::Undefined : found->second.dtype;
}

const Tensor* PropagatedValues::tensor(const Value* value) const {
    const Tensor* stored = stored_tensor(value);
    if (!stored || !is_half(value)) return stored;
    const auto [place, is_new] = widened.try_emplace(value);
    if (is_new) place->second = Tensor::from_values(stored->shape(), to_floats(*stored));
    return &place->second;
}

const Tensor* PropagatedValues::stored_tensor(const Value* value) const {
    if (value->constant()) return value->constant();
    if (const auto found = known.find(value); found != known.end()) return &found->second;
    const auto node = deferred.find(value);
    if (node == deferred.end()) return nullptr;
    const std::vector<Tensor> outputs = fold(*node->second, known_inputs(*this, *node->second));
    MCOMPRESS_CHECK(outputs.size() == 1 && outputs[0].defined());
    return &(known[value] = outputs[0]);
}

PropagatedValues propagate_values(const Graph& graph, const std::map<std::string, Shape>& input_shapes, std::span<const Value* const> kept,
                                  const FoldNode& fold, std::span<const GivenValue> given) {
    Propagation propagation(graph, fold);
    propagation.bind_inputs(input_shapes, given);
    for (const Node* node : graph.order()) propagation.visit(*node);
    return propagation.finish(kept);
}

}  // namespace mcompress
