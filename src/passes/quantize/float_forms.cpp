#include "passes/quantize/float_forms.h"

#include <algorithm>
#include <array>

#include "ops/attributes.h"
#include "ops/microsoft.h"
#include "passes/quantize/code_params.h"
#include "passes/rewriter.h"

namespace mcompress {
namespace {

constexpr std::string_view kMicrosoft = "com.microsoft";
constexpr std::int64_t kLargestInner = 16384;  // an identity of that size is 1 GiB

struct Integers {
    std::vector<std::int32_t> values;
    explicit Integers(const Tensor& tensor) {
        const auto copy = [&](const auto& from) { values.assign(from.begin(), from.end()); };
        if (tensor.dtype() == DType::UInt8) copy(tensor.values<std::uint8_t>());
        else if (tensor.dtype() == DType::Int8) copy(tensor.values<std::int8_t>());
    }
    bool empty() const { return values.empty(); }
    std::int32_t operator[](std::int64_t at) const { return values[static_cast<std::size_t>(values.size() == 1 ? 0 : at)]; }
};

/// (code - zero point) scale, where element i belongs to channel(i); no scales: 1. Nothing when the tensors are not known or do not fit.
template <typename ChannelOf>
std::optional<Tensor> dequantized(const Value* codes, const Value* scales, const Value* zeros, std::int64_t channels,
                                  ChannelOf channel_of) {
    const Tensor* known = known_tensor(codes);
    const Tensor* scale = scales ? known_tensor(scales) : nullptr;
    const Tensor* zero = zeros ? known_tensor(zeros) : nullptr;
    if (!known || (scales && !scale) || (zeros && !zero)) return std::nullopt;
    const auto fits = [&](const Tensor* tensor) { return !tensor || tensor->element_count() == 1 || tensor->element_count() == channels; };
    if (!fits(scale) || !fits(zero) || (scale && scale->dtype() != DType::Float32)) return std::nullopt;
    const Integers numbers(*known), offsets(zero ? *zero : Tensor::scalar(std::uint8_t{0}));
    if (numbers.empty() || offsets.empty()) return std::nullopt;
    Tensor result = Tensor::uninitialized(DType::Float32, known->shape());
    float* to = result.mutable_data<float>();
    for (std::int64_t at = 0; at < known->element_count(); ++at) {
        const std::int64_t channel = channel_of(at);
        const float factor = !scale ? 1.0F : scale->data<float>()[scale->element_count() == 1 ? 0 : channel];
        to[at] = static_cast<float>(numbers.values[static_cast<std::size_t>(at)] - offsets[channel]) * factor;
    }
    return result;
}

const Node* dynamic_quantizer(const Value* codes) {
    const Node* producer = codes ? codes->producer() : nullptr;
    return producer && producer->is("DynamicQuantizeLinear") && codes == producer->output(0) ? producer : nullptr;
}

Node* only_reader(const Node& node) {
    const Value* value = node.output(0);
    return value->uses().size() == 1 && !value->is_graph_output() && &value->uses()[0].node->graph() == &node.graph()
               ? value->uses()[0].node
               : nullptr;
}

constexpr const char* kSeveralNames = "its result is the name of several graph outputs";

bool has_several_names(const Value& value) { return value.is_graph_output() && std::ranges::count(value.graph().outputs(), &value) != 1; }

Value* other_operand(const Node& mul, const Value* value) { return mul.input(0) == value ? mul.input(1) : mul.input(0); }

// ---- MatMulInteger, ConvInteger ----

/// What follows the integer sums: Cast, then the products with the scale of the activation and of the weight, in whatever order.
struct Scaling {
    Node* cast = nullptr;
    std::vector<Node*> muls;
    Value* weight_scale = nullptr;
};

std::optional<Scaling> find_scaling(const Node& product, const Value* source_scale) {
    Scaling scaling;
    scaling.cast = only_reader(product);
    if (!scaling.cast || !scaling.cast->is("Cast")) return std::nullopt;
    Node* mul = only_reader(*scaling.cast);
    if (!mul || !mul->is("Mul")) return std::nullopt;
    scaling.muls = {mul};
    Value* factor = other_operand(*mul, scaling.cast->output(0));
    if (const Node* both = factor->producer();
        both && both->is("Mul") && (both->input(0) == source_scale || both->input(1) == source_scale)) {
        scaling.weight_scale = other_operand(*both, source_scale);
        return scaling;
    }
    Node* second = only_reader(*mul);
    if (!second || !second->is("Mul")) return std::nullopt;
    scaling.muls.push_back(second);
    Value* other = other_operand(*second, mul->output(0));
    if (factor == source_scale) scaling.weight_scale = other;
    else if (other == source_scale) scaling.weight_scale = factor;
    return scaling.weight_scale ? std::optional(scaling) : std::nullopt;
}

std::string write_product(Node* node, const Evaluator&) {
    const bool is_conv = node->is("ConvInteger");
    const Node* quantizer = dynamic_quantizer(node->input(0));
    if (!quantizer || node->input(2) != quantizer->output(2)) return "its activation is not quantized by a DynamicQuantizeLinear";
    const std::optional<Scaling> scaling = find_scaling(*node, quantizer->output(1));
    if (!scaling) return "its sums are not multiplied by the scales of activation and weight";
    const Tensor* codes = known_tensor(node->input(1));
    if (!codes || codes->shape().rank() < 2) return "its weight is not constant";
    const Shape& shape = codes->shape();
    const std::int64_t channels = is_conv ? shape[0] : shape[shape.rank() - 1];
    const std::int64_t inner = is_conv ? shape.element_count() / std::max<std::int64_t>(channels, 1) : 1;
    const auto weight = dequantized(node->input(1), scaling->weight_scale, node->input(3), channels,
                                    [&](std::int64_t at) { return at / inner % channels; });
    if (!weight) return "its weight has neither one scale nor one a channel";
    Node* last = scaling->muls.back();
    if (has_several_names(*last->output(0))) return kSeveralNames;
    Graph& graph = node->graph();
    Value* constant = graph.add_constant(without_code_suffix(node->input(1)->name()), *weight);
    Node* made = graph.add_node({.op_type = is_conv ? "Conv" : "MatMul",
                                 .inputs = {quantizer->input(0), constant},
                                 .attributes = {node->attributes().begin(), node->attributes().end()},
                                 .name = node->name(),
                                 .outputs = {last->output(0)->name()}},
                                node);
    // The nodes behind are idle now; they come later than this one, so the pass erases them at its end.
    const std::string name = last->output(0)->name();
    graph.set_type(made->output(0), last->output(0)->type());
    graph.replace_all_uses(last->output(0), made->output(0));
    if (last->output(0)->name() == name) graph.rename(last->output(0), graph.unique_name(name + "_idle"));
    graph.rename(made->output(0), name);
    return {};
}

// ---- com.microsoft ----

/// MatMul of the node's first input, and the sum with a bias, in place of the node.
std::string put_product(Node* node, const Tensor& weight, Value* bias) {
    if (has_several_names(*node->output(0))) return kSeveralNames;
    Graph& graph = node->graph();
    const ValueType type = node->output(0)->type();
    Value* constant = graph.add_constant(without_code_suffix(node->input(1)->name()), weight);
    const std::string name = node->output(0)->name();
    Node* made = graph.add_node(
        {.op_type = "MatMul", .inputs = {node->input(0), constant}, .name = node->name(), .outputs = {bias ? name + "_product" : name}},
        node);
    graph.set_type(made->output(0), type);
    if (bias) {
        made = graph.add_node({.op_type = "Add", .inputs = {made->output(0), bias}, .outputs = {name}}, node);
        graph.set_type(made->output(0), type);
    }
    take_over(made, node);
    return {};
}

std::string write_dynamic_matmul(Node* node, const Evaluator&) {
    const Tensor* codes = known_tensor(node->input(1));
    if (!codes || codes->shape().rank() < 2) return "its weight is not constant";
    const std::int64_t columns = codes->shape()[codes->shape().rank() - 1];
    const auto weight = dequantized(node->input(1), node->input(2), node->input(3), columns, [&](std::int64_t at) { return at % columns; });
    if (!weight) return "its weight has neither one scale nor one a column";
    return put_product(node, *weight, node->input(4));
}

/// Of [directions, rows, columns] in codes the transposed matrices as numbers.
std::optional<Tensor> lstm_weight(const Node& node, int weight, int scale) {
    const Tensor* codes = known_tensor(node.input(weight));
    const Tensor* scales = known_tensor(node.input(scale));
    if (!codes || codes->shape().rank() != 3 || !scales) return std::nullopt;
    const std::int64_t directions = codes->shape()[0], rows = codes->shape()[1], columns = codes->shape()[2];
    const bool by_column = scales->element_count() == directions * columns;
    const auto numbers = dequantized(node.input(weight), node.input(scale), node.input(scale + 1),
                                     by_column ? directions * columns : directions, [&](std::int64_t at) {
                                         const std::int64_t direction = at / (rows * columns);
                                         return by_column ? direction * columns + at % columns : direction;
                                     });
    if (!numbers) return std::nullopt;
    Tensor turned = Tensor::uninitialized(DType::Float32, Shape{directions, columns, rows});
    float* to = turned.mutable_data<float>();
    for (std::int64_t direction = 0; direction < directions; ++direction)
        for (std::int64_t column = 0; column < columns; ++column)
            for (std::int64_t row = 0; row < rows; ++row) *to++ = numbers->data<float>()[(direction * rows + row) * columns + column];
    return turned;
}

std::string write_lstm(Node* node, const Evaluator&) {
    const auto w = lstm_weight(*node, 1, 8), r = lstm_weight(*node, 2, 10);
    if (!w || !r) return "its weights are not constant";
    Graph& graph = node->graph();
    graph.set_input(node, 1, graph.add_constant(without_code_suffix(node->input(1)->name()), *w));
    graph.set_input(node, 2, graph.add_constant(without_code_suffix(node->input(2)->name()), *r));
    int count = 8;
    while (!node->input(count - 1)) --count;
    graph.resize_inputs(node, count);
    graph.set_op_type(node, {}, "LSTM");
    return {};
}

std::string write_attention(Node* node, const Evaluator&) {
    const Node* quantizer = node->input(0) ? node->input(0)->producer() : nullptr;
    if (!quantizer || (!quantizer->is("DynamicQuantizeLinear") && !quantizer->is("QuantizeLinear"))) return "its codes come from outside";
    const Tensor* codes = known_tensor(node->input(1));
    if (!codes || codes->shape().rank() != 2) return "its weight is not constant";
    const std::int64_t columns = codes->shape()[1];
    const auto weight = dequantized(node->input(1), node->input(4), node->input(7), columns, [&](std::int64_t at) { return at % columns; });
    if (!weight) return "its weight has neither one scale nor one a column";
    Graph& graph = node->graph();
    std::vector<Value*> inputs{quantizer->input(0), graph.add_constant(without_code_suffix(node->input(1)->name()), *weight),
                               node->input(2), node->input(5), node->input(8)};
    while (!inputs.back()) inputs.pop_back();
    graph.resize_inputs(node, static_cast<int>(inputs.size()));
    for (std::size_t index = 0; index < inputs.size(); ++index) graph.set_input(node, static_cast<int>(index), inputs[index]);
    graph.set_op_type(node, std::string(kMicrosoft), "Attention");
    return {};
}

/// What the operator makes of the identity is its weight.
std::string write_nbits_product(Node* node, const Evaluator& evaluator) {
    const auto attributes = attrs<MatMulNBitsAttrs>(*node);
    if (attributes.inner > kLargestInner) return "its weight is too large to be unpacked";
    Tensor identity(DType::Float32, Shape{attributes.inner, attributes.inner});
    for (std::int64_t at = 0; at < attributes.inner; ++at) identity.mutable_data<float>()[at * (attributes.inner + 1)] = 1.0F;
    std::vector<Tensor> inputs{identity};
    for (int index = 1; index < std::min(node->input_count(), 5); ++index) {
        const Tensor* known = node->input(index) ? known_tensor(node->input(index)) : nullptr;
        if (node->input(index) && !known) return "its weight is not constant";
        inputs.push_back(known ? *known : Tensor());
    }
    inputs.resize(static_cast<std::size_t>(node->input_count()));
    const auto weight = evaluator ? evaluator(*node, inputs) : std::nullopt;
    if (!weight) return "its weight cannot be evaluated";
    return put_product(node, (*weight)[0], node->input(5));
}

struct Form {
    std::string_view domain, op;
    std::string (*write)(Node*, const Evaluator&);
};

constexpr Form kForms[] = {
    {"", "ConvInteger", write_product},
    {"", "MatMulInteger", write_product},
    {kMicrosoft, "DynamicQuantizeLSTM", write_lstm},
    {kMicrosoft, "DynamicQuantizeMatMul", write_dynamic_matmul},
    {kMicrosoft, "MatMulNBits", write_nbits_product},
    {kMicrosoft, "QAttention", write_attention},
};

const Form* find_form(const Node& node) {
    const auto* found = std::ranges::find_if(kForms, [&](const Form& form) { return node.is(form.domain, form.op); });
    return found == std::end(kForms) ? nullptr : found;
}

}  // namespace

bool has_float_form(const Node& node) { return find_form(node) != nullptr; }

std::string write_float_form(Node* node, const Evaluator& evaluator) { return find_form(*node)->write(node, evaluator); }

}  // namespace mcompress
