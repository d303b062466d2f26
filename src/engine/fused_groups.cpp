#include "engine/fused_groups.h"

#include <algorithm>
#include <unordered_set>

#include "engine/code_operators.h"
#include "ops/elementwise.h"
#include "ops/op_info.h"
#include "ops/quantization.h"
#include "ops/reduce.h"

namespace mcompress {

namespace {

using Kind = QuantizedGroup::Kind;

constexpr std::string_view kProducts[] = {"Conv", "Gemm", "MatMul"};
constexpr std::string_view kBinaries[] = {"Add", "Sub", "Mul"};
constexpr std::string_view kMoves[] = {"Reshape",  "Flatten",      "Squeeze",      "Unsqueeze", "Transpose", "Slice",
                                       "Identity", "DepthToSpace", "SpaceToDepth", "Expand",    "Tile",      "Gather"};
constexpr std::string_view kAverages[] = {"AveragePool", "GlobalAveragePool", "ReduceMean"};
constexpr std::string_view kClamps[] = {"Relu", "Clip", "LeakyRelu"};

template <std::size_t N> bool is_one_of(const Node& node, const std::string_view (&names)[N]) {
    return node.domain().empty() && std::find(std::begin(names), std::end(names), node.op_type()) != std::end(names);
}

class GroupFinder {
public:
    GroupFinder(const PropagatedValues& values, const std::function<bool(const Value&)>& is_kept)
        : values_(values), is_kept_(is_kept), live_(values.nodes.begin(), values.nodes.end()) {}

    /// The group that ends with this QuantizeLinear.
    std::optional<QuantizedGroup> ending_with(const Node& quantizer) {
        const auto params = tensor_params(values_, quantizer);
        if (!params || values_.dtype(quantizer.input(0)) != DType::Float32) return std::nullopt;
        QuantizedGroup group;
        group.output = quantizer.output(0);
        group.output_params = params;
        group.nodes = {&quantizer};
        const Value* value = quantizer.input(0);
        // Operators on single elements, from the back.
        while (const Node* node = inner_producer(value)) {
            if (!is_unary(*node)) break;
            group.nodes.push_back(node);
            group.activations.push_back(node);
            value = node->input(data_input(*node));
        }
        std::reverse(group.nodes.begin(), group.nodes.end());  // into the order of execution, the quantizer last
        std::reverse(group.activations.begin(), group.activations.end());
        if (add_input(group, value)) return group;  // a Table
        const Node* main = inner_producer(value);
        if (!main) return std::nullopt;
        group.main = main;
        group.nodes.insert(group.nodes.begin(), main);
        return complete(group) ? std::optional(std::move(group)) : std::nullopt;
    }

    /// x combined with what a Table makes of x, as in x * sigmoid(x), is a Table itself: 256 codes in, one code out. `inner` is then part of `outer`.
    bool take_gate(QuantizedGroup& outer, const QuantizedGroup& inner, std::size_t operand) const {
        if (!outer.main->domain().empty() || inner.kind != Kind::Table || inner.gate || outer.inputs[operand].codes != inner.output)
            return false;
        const QuantizedTensor& direct = outer.inputs[1 - operand];
        const auto same = [](const QuantParams& a, const QuantParams& b) {
            return a.dtype == b.dtype && a.scale == b.scale && a.zero_point == b.zero_point;
        };
        if (direct.codes != inner.inputs[0].codes || !same(direct.params, inner.inputs[0].params)) return false;
        const auto is_read_once = [&](const Value* value) { return value->uses().size() == 1 && !is_kept_(*value); };
        if (!is_read_once(inner.output) || !is_read_once(outer.main->input(static_cast<int>(operand)))) return false;
        outer.gate = QuantizedGate{inner.activations, outer.inputs[operand].params, static_cast<int>(operand)};
        outer.kind = Kind::Table;
        outer.inputs = {direct};
        outer.nodes.insert(outer.nodes.begin(), inner.nodes.begin(), inner.nodes.end());
        outer.dequantizers.insert(outer.dequantizers.end(), inner.dequantizers.begin(), inner.dequantizers.end());
        return true;
    }

    /// A product of quantized tensors whose result stays float.
    std::optional<QuantizedGroup> open_product(const Node& node) {
        QuantizedGroup group;
        group.main = &node;
        group.nodes = {&node};
        group.output = node.output(0);
        if (!is_one_of(node, kProducts) || !complete_product(group)) return std::nullopt;
        return group;
    }

private:
    /// The live node behind a value that nobody else reads.
    const Node* inner_producer(const Value* value) const {
        const Node* node = value->producer();
        if (!node || !live_.contains(node) || value->uses().size() != 1 || is_kept_(*value) || values_.is_known(value)) return nullptr;
        return values_.dtype(value) == DType::Float32 ? node : nullptr;
    }

    int data_input(const Node& node) const {
        for (int index = 0; index < node.input_count(); ++index)
            if (node.input(index) && !values_.is_known(node.input(index))) return index;
        return -1;
    }

    /// One unknown input of the result's shape, the others known scalars.
    bool is_unary(const Node& node) const {
        if (!node.domain().empty() || node.output_count() != 1 || !node.subgraphs().empty()) return false;
        if (node.is("DequantizeLinear") || node.is("QuantizeLinear")) return false;
        const OpInfo* info = op_info(node);
        const int data = data_input(node);
        if (!info || info->data_flow != DataFlow::Elementwise || info->determinism != Determinism::Deterministic || data < 0) return false;
        if (values_.dtype(node.input(data)) != DType::Float32 || values_.shape(node.input(data)) != values_.shape(node.output(0)))
            return false;
        for (int index = 0; index < node.input_count(); ++index) {
            if (index == data || !node.input(index)) continue;
            const Tensor* known = values_.tensor(node.input(index));
            if (!known || known->element_count() != 1) return false;
        }
        return values_.shape(node.output(0)).has_value();
    }

    /// The value is what a DequantizeLinear makes of known parameters and 8-bit codes.
    bool add_input(QuantizedGroup& group, const Value* value) const {
        const Node* node = value ? value->producer() : nullptr;
        if (!node || !live_.contains(node) || !node->is("DequantizeLinear") || !values_.shape(value)) return false;
        const auto params = tensor_params(values_, *node);
        if (!params || values_.is_known(node->input(0))) return false;
        group.inputs.push_back({node->input(0), *params});
        group.dequantizers.push_back(node);
        return true;
    }

    bool only_clamps(const QuantizedGroup& group) const {
        return std::all_of(group.activations.begin(), group.activations.end(), [](const Node* node) { return is_one_of(*node, kClamps); });
    }

    bool complete(QuantizedGroup& group) {
        const Node& node = *group.main;
        if (is_one_of(node, kProducts)) return only_clamps(group) && complete_product(group);
        if (is_one_of(node, kBinaries)) return only_clamps(group) && complete_binary(group);
        if (!group.activations.empty()) return false;
        if (node.is("Concat")) return complete_concat(group);
        const int data = data_input(node);
        if (data != 0 || node.output_count() != 1 || !others_known(node) || !add_input(group, node.input(0))) return false;
        if (node.is("MaxPool")) group.kind = Kind::Pool;
        else if (is_one_of(node, kMoves) || is_nearest_resize(node)) group.kind = Kind::Move;
        else if (is_one_of(node, kAverages)) group.kind = Kind::Average;
        else if (node.is("Softmax")) group.kind = Kind::Softmax;
        else return false;
        return true;
    }

    bool others_known(const Node& node) const {
        for (int index = 1; index < node.input_count(); ++index)
            if (node.input(index) && !values_.is_known(node.input(index))) return false;
        return true;
    }

    static bool is_nearest_resize(const Node& node) {
        if (!node.is("Resize") && !node.is("Upsample")) return false;
        const Attribute* mode = node.attribute("mode");
        const std::string* text = mode ? std::get_if<std::string>(&mode->value) : nullptr;
        return !mode || (text && *text == "nearest");
    }

    bool complete_binary(QuantizedGroup& group) {
        group.kind = Kind::Binary;
        const Node& node = *group.main;
        if (attrs<BroadcastAttrs>(node).rule == BroadcastAttrs::Rule::Legacy) return false;
        return node.input_count() == 2 && add_input(group, node.input(0)) && add_input(group, node.input(1)) &&
               values_.shape(node.output(0)).has_value();
    }

    bool complete_concat(QuantizedGroup& group) {
        group.kind = Kind::Concat;
        for (const Value* input : group.main->inputs())
            if (!add_input(group, input)) return false;
        return values_.shape(group.main->output(0)).has_value();
    }

    bool complete_product(QuantizedGroup& group) {
        group.kind = Kind::Product;
        const Node& node = *group.main;
        if (!values_.shape(node.output(0)) || !add_input(group, node.input(0)) || !read_weights(node, group.weights)) return false;
        // Weights too large to be dequantized ahead of time need not be dequantized at all.
        if (live_.contains(node.input(1)->producer())) group.dequantizers.push_back(node.input(1)->producer());
        if (!node.input(2)) return true;
        const Tensor* bias = values_.tensor(node.input(2));
        if (!bias || bias->dtype() != DType::Float32 || !bias->element_count()) return false;
        group.bias = node.input(2);
        const Node* producer = node.input(2)->producer();
        if (producer && producer->is("DequantizeLinear")) {
            const Tensor* codes = values_.tensor(producer->input(0));
            const Tensor* scales = values_.tensor(producer->input(1));
            const Tensor* zero = producer->input(2) ? values_.tensor(producer->input(2)) : nullptr;
            const bool is_plain =
                codes && scales && codes->dtype() == DType::Int32 && scales->dtype() == DType::Float32 && (!producer->input(2) || zero);
            if (is_plain && (!zero || std::ranges::all_of(code_integers(*zero), [](std::int32_t point) { return point == 0; }))) {
                group.bias_codes = codes;
                group.bias_scales.assign(scales->values<float>().begin(), scales->values<float>().end());
            }
        }
        return true;
    }

    bool read_weights(const Node& node, QuantizedWeights& weights) const {
        const Value* value = node.input(1);
        const Node* producer = value ? value->producer() : nullptr;
        if (!producer || !producer->is("DequantizeLinear")) return false;
        weights.codes = values_.tensor(producer->input(0));
        const Tensor* scales = values_.tensor(producer->input(1));
        if (!weights.codes || !scales || !is_8_bit(weights.codes->dtype()) || scales->dtype() != DType::Float32) return false;
        if (scales->element_count() == 0 || weights.codes->element_count() == 0) return false;
        const auto dequantize = attrs<QuantizeLinearAttrs>(*producer);
        if (dequantize.granularity(scales->shape()) == QuantizationGranularity::Blocked) return false;
        weights.scales.assign(scales->values<float>().begin(), scales->values<float>().end());
        if (producer->input(2)) {
            const Tensor* zero = values_.tensor(producer->input(2));
            if (!zero) return false;
            weights.zero_points = code_integers(*zero);
        }
        weights.axis = normalize_axis(dequantize.axis, weights.codes->shape().rank()).value_or(0);
        return true;
    }

    const PropagatedValues& values_;
    const std::function<bool(const Value&)>& is_kept_;
    std::unordered_set<const Node*> live_;
};

}  // namespace

namespace {

void take_gates(const GroupFinder& finder, std::vector<QuantizedGroup>& groups) {
    std::unordered_map<const Value*, std::size_t> by_output;
    for (std::size_t at = 0; at < groups.size(); ++at) by_output.emplace(groups[at].output, at);
    std::unordered_set<std::size_t> taken;
    for (QuantizedGroup& group : groups)
        for (std::size_t operand = 0; group.kind == Kind::Binary && operand < 2; ++operand)
            if (const auto inner = by_output.find(group.inputs[operand].codes); inner != by_output.end())
                if (finder.take_gate(group, groups[inner->second], operand)) taken.insert(inner->second);
    std::vector<QuantizedGroup> left;
    for (std::size_t at = 0; at < groups.size(); ++at)
        if (!taken.contains(at)) left.push_back(std::move(groups[at]));
    groups = std::move(left);
}

}  // namespace

bool is_8_bit(DType dtype) { return dtype == DType::UInt8 || dtype == DType::Int8; }

std::vector<std::int32_t> code_integers(const Tensor& tensor) {
    std::vector<std::int32_t> result;
    const auto copy = [&](const auto& values) { result.assign(values.begin(), values.end()); };
    if (tensor.dtype() == DType::UInt8) copy(tensor.values<std::uint8_t>());
    else if (tensor.dtype() == DType::Int8) copy(tensor.values<std::int8_t>());
    else if (tensor.dtype() == DType::Int32) copy(tensor.values<std::int32_t>());
    return result;
}

std::optional<QuantParams> tensor_params(const PropagatedValues& values, const Value* scale, const Value* zero_point, DType dtype) {
    const Tensor* factor = scale ? values.tensor(scale) : nullptr;
    const Tensor* zero = zero_point ? values.tensor(zero_point) : nullptr;
    if (!factor || factor->dtype() != DType::Float32 || factor->element_count() != 1 || (zero_point && !zero)) return std::nullopt;
    QuantParams params;
    params.scale = factor->data<float>()[0];
    params.dtype = dtype;
    if (!is_8_bit(dtype) || !(params.scale > 0.0F)) return std::nullopt;
    if (!zero) return params;
    if (zero->element_count() != 1 || zero->dtype() != dtype) return std::nullopt;
    params.zero_point = code_integers(*zero)[0];
    return params;
}

std::optional<QuantParams> tensor_params(const PropagatedValues& values, const Node& node) {
    if (attrs<QuantizeLinearAttrs>(node).block_size != 0) return std::nullopt;
    const Value* codes = node.is("QuantizeLinear") ? node.output(0) : node.input(0);
    return tensor_params(values, node.input(1), node.input(2), values.dtype(codes));
}

QuantizedGroups find_quantized_groups(const PropagatedValues& values, const std::function<bool(const Value&)>& is_kept) {
    QuantizedGroups groups;
    GroupFinder finder(values, is_kept);
    std::unordered_set<const Node*> taken;
    for (const Node* node : values.nodes) {
        if (!node->is("QuantizeLinear")) continue;
        if (auto group = finder.ending_with(*node)) {
            taken.insert(group->nodes.begin(), group->nodes.end());
            groups.list.push_back(std::move(*group));
        }
    }
    for (const Node* node : values.nodes) {
        if (taken.contains(node)) continue;
        if (auto group = finder.open_product(*node)) groups.list.push_back(std::move(*group));
    }
    for (const Node* node : values.nodes) {
        if (taken.contains(node)) continue;
        if (auto group = group_of_codes(values, *node)) groups.list.push_back(std::move(*group));
    }
    take_gates(finder, groups.list);
    for (const QuantizedGroup& group : groups.list) {
        groups.at_last.emplace(group.last(), &group);
        for (const Node* node : group.nodes) groups.member.emplace(node, &group);
    }
    return groups;
}

}  // namespace mcompress
