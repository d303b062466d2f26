#include "passes/quantize/qdq_pair.h"

#include <string>

#include "ops/attributes.h"
#include "passes/quantize/quantized_view.h"
#include "support/error.h"

namespace mcompress {
namespace {

ValueType with_dtype(const ValueType& type, DType dtype) {
    ValueType result = ValueType::tensor(dtype);
    result.dims = type.dims;
    return result;
}

template <typename Code> Tensor scalar_code(std::int32_t code) { return Tensor::scalar(static_cast<Code>(code)); }

struct CodeType {
    DType dtype;
    std::string_view prefix;  // of the names of zero points
    Tensor (*scalar)(std::int32_t);
};

constexpr CodeType kCodeTypes[] = {
    {DType::UInt8, "u8_", scalar_code<std::uint8_t>},
    {DType::Int8, "s8_", scalar_code<std::int8_t>},
    {DType::UInt16, "u16_", scalar_code<std::uint16_t>},
    {DType::Int16, "s16_", scalar_code<std::int16_t>},
};

const CodeType& code_type(DType dtype) {
    for (const CodeType& type : kCodeTypes)
        if (type.dtype == dtype) return type;
    fail(codes::kInternal, "zero points of type {} are not used for activations", dtype_name(dtype));
}

/// Codes of 8-bit floats have no zero point that is a number of steps.
bool is_integer(DType dtype) { return is_signed_integer(dtype) || is_unsigned_integer(dtype); }

/// What the codes of a QuantizeLinear or DequantizeLinear are; where types are not known yet, what they are without a word about it.
DType code_type_of(const Node& node) {
    const Value* codes = node.op_type() == "QuantizeLinear" ? node.output(0) : node.input(0);
    return codes && codes->type().dtype != DType::Undefined ? codes->type().dtype : DType::UInt8;
}

constexpr int kWideCodesOpset = 21;  // QuantizeLinear and DequantizeLinear of 16 bits
constexpr std::string_view kContrib = "com.microsoft";

/// The domain whose QuantizeLinear gives such codes.
std::string domain_of_codes(const Graph& graph, DType dtype) {
    if (dtype_bits(dtype) <= 8 || graph.opset_version("") >= kWideCodesOpset) return {};
    graph.opset_imports()->try_emplace(std::string(kContrib), 1);
    return std::string(kContrib);
}

}  // namespace

std::optional<QdqPair> pair_behind(const Value* value) {
    if (!value || !value->producer() || !is_dequantizer(*value->producer())) return std::nullopt;
    Node* dequantize = value->producer();
    const Value* codes = dequantize->input(0);
    if (!codes || !codes->producer() || !is_quantizer(*codes->producer())) return std::nullopt;
    return QdqPair{codes->producer(), dequantize};
}

std::optional<QdqPair> pair_in_front_of(const Node& node, int index) {
    std::optional<QdqPair> pair = pair_behind(node.input(index));
    if (pair && &pair->dequantize->graph() != &node.graph()) pair.reset();
    return pair;
}

std::optional<QdqPair> pair_of(const Value* value) {
    for (const Use& use : value->uses()) {
        if (use.index != 0 || !is_quantizer(*use.node) || &use.node->graph() != &value->graph()) continue;
        for (const Use& inner : use.node->output(0)->uses())
            if (inner.index == 0 && is_dequantizer(*inner.node)) return QdqPair{use.node, inner.node};
    }
    return std::nullopt;
}

std::optional<QuantParams> params_of(const Node& node) {
    const Tensor* scale = known_tensor(node.input(1));
    if (!scale || scale->dtype() != DType::Float32 || scale->element_count() != 1) return std::nullopt;
    QuantParams params{scale->data<float>()[0], 0, code_type_of(node)};
    if (!is_integer(params.dtype)) return std::nullopt;
    if (!node.input(2)) return params;
    const Tensor* zero_point = known_tensor(node.input(2));
    if (!zero_point || zero_point->element_count() != 1 || !is_integer(zero_point->dtype())) return std::nullopt;
    const std::optional<double> value = scalar_of(*zero_point);
    if (!value) return std::nullopt;
    params.zero_point = static_cast<std::int32_t>(*value);
    params.dtype = zero_point->dtype();
    return params;
}

QdqPair add_pair(Graph& graph, Value* source, std::string_view name, Value* scale, Value* zero_point, const Node* before) {
    const std::string base(name);
    const std::string domain = domain_of_codes(graph, zero_point->type().dtype);
    QdqPair pair;
    pair.quantize = graph.add_node(
        {.op_type = "QuantizeLinear", .inputs = {source, scale, zero_point}, .domain = domain, .outputs = {base + "_q"}}, before);
    Value* codes = pair.quantize->output(0);
    graph.set_type(codes, with_dtype(source->type(), zero_point->type().dtype));
    pair.dequantize = graph.add_node(
        {.op_type = "DequantizeLinear", .inputs = {codes, scale, zero_point}, .domain = domain, .outputs = {base + "_dq"}}, before);
    graph.set_type(pair.dequantized(), with_dtype(source->type(), DType::Float32));
    return pair;
}

void set_params(const QdqPair& pair, Value* scale, Value* zero_point) {
    Value* old_scale = pair.scale();
    Value* old_zero_point = pair.zero_point();
    for (Node* node : {pair.quantize, pair.dequantize}) {
        node->graph().set_input(node, 1, scale);
        node->graph().set_input(node, 2, zero_point);
    }
    erase_if_unused(old_scale);
    erase_if_unused(old_zero_point);
}

Value* shared_constant(Graph& graph, std::string_view name, const Tensor& tensor) {
    Value* existing = graph.find_value(name);
    if (existing && existing->constant() && existing->constant()->equals(tensor)) return existing;
    return graph.add_constant(name, tensor);
}

Value* scale_constant(Graph& graph, std::string_view name, float scale) {
    return graph.add_constant(std::string(name) + "_s", Tensor::scalar(scale));
}

Value* zero_point_constant(Graph& graph, const QuantParams& params) {
    const CodeType& type = code_type(params.dtype);
    const std::string name = std::string(type.prefix) + std::to_string(params.zero_point);
    Graph* main = &graph;
    while (main->outer()) main = main->outer();
    return shared_constant(*main, name, type.scalar(params.zero_point));
}

Node* add_dequantized_constant(Graph& home, std::string_view name, Tensor codes, Tensor scales, int axis, const Node* before) {
    const std::string base(name);
    std::vector<Attribute> attributes;
    // 1 is the attribute's default; a scalar scale has no axis.
    if (scales.shape().rank() == 1 && axis != 1) attributes.push_back({"axis", static_cast<std::int64_t>(axis), {}});
    const ValueType type = ValueType::tensor(DType::Float32, codes.shape());
    Value* integers = home.add_constant(base + "_q", std::move(codes));
    std::vector<Value*> inputs{integers, nullptr};
    if (integers->type().dtype == DType::Int8) inputs.push_back(home.add_constant(base + "_z", Tensor(DType::Int8, scales.shape())));
    inputs[1] = home.add_constant(base + "_s", std::move(scales));
    Graph& graph = before->graph();
    Node* dequantize = graph.add_node(
        {.op_type = "DequantizeLinear", .inputs = inputs, .attributes = std::move(attributes), .outputs = {base + "_dq"}}, before);
    graph.set_type(dequantize->output(0), type);
    return dequantize;
}

QuantizedWeightValues add_quantized_weight(Graph& home, std::string_view name, QuantizedWeight weight) {
    const std::string base(name);
    Tensor zeros(weight.codes.dtype(), weight.scales.shape());
    return {home.add_constant(base + "_q", std::move(weight.codes)), home.add_constant(base + "_s", std::move(weight.scales)),
            home.add_constant(base + "_z", std::move(zeros))};
}

void erase_if_unused(Value* constant) {
    if (!constant || !constant->is_unused() || constant->is_graph_input()) return;
    if (Node* producer = constant->producer()) {
        if (producer->is("Constant")) producer->graph().erase(producer);
    } else {
        constant->graph().erase(constant);
    }
}

}  // namespace mcompress
