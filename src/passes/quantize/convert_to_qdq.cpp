// Writes operators on codes (QLinearConv, QLinearMatMul, com.microsoft's QGemm, QLinearAdd …) as float operators between DequantizeLinear and
// QuantizeLinear nodes: the form that all other passes and most runtimes understand. The inverse of convert-to-qoperator.
//
// Before:  y_q = QLinearConv (x_q, s, z, w_q, w_s, w_z, y_s, y_z, b_q)
// After:   x_dq = DequantizeLinear (x_q, s, z)   w_dq = DequantizeLinear <axis = 0> (w_q, w_s, w_z)   b_dq = DequantizeLinear <axis = 0> (b_q, b_s)
//          y = Conv (x_dq, w_dq, b_dq)   y_q = QuantizeLinear (y, y_s, y_z)
//
// Formula: b_s = s w_s, the scale of the products. Readers of one tensor share its DequantizeLinear. Operators that move the codes of a QuantizeLinear
// (Reshape, MaxPool, Concat of equal ones …) get a pair around them as well, with the parameters of what they move.
//
// Does nothing when channels lie last (channels_last = 1), a first operand has a scale a row, the scale of a bias follows from scales that are computed, or
// the operator has no standard form at the model's opset.
#include "passes/quantize/convert_to_qdq.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "ops/matmul.h"
#include "ops/microsoft.h"
#include "ops/quantization.h"
#include "ops/shape.h"
#include "passes/quantize/code_params.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/qoperator_forms.h"
#include "passes/rewriter.h"

namespace mcompress {
namespace {

constexpr int kQuantizeOpset = 10, kPerChannelOpset = 13, kReduceAxesInput = 18, kPadValueInput = 11;

ValueType float_of(const Value& codes) {
    ValueType type = ValueType::tensor(DType::Float32);
    type.dims = codes.type().dims;
    return type;
}

class ConvertToQdq final : public Pass {
public:
    std::string_view name() const override { return "convert-to-qdq"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        for_each_graph(graph, [&](Graph& each) {
            dequantizers_.clear();
            for (Node* node : each.order()) {
                if (node->is("DequantizeLinear")) remember(node);
                const QOperatorForm* form = find_form_of_quantized(*node);
                if (!form && !is_mover_of_codes(*node)) continue;
                if (const std::string reason = why_not(*node, form); !reason.empty()) {
                    result.skipped.push_back(skip(*node, reason));
                    continue;
                }
                if (form) write_out(node, *form);
                else surround(node);
                ++result.rewrites;
            }
        });
        return result;
    }

private:
    // ---- what stands in the way ----

    static std::string why_not(const Node& node, const QOperatorForm* form) {
        if (node.graph().opset_version("") < kQuantizeOpset) return "QuantizeLinear and DequantizeLinear exist from opset 10 on";
        return form ? why_not_write_out(node, *form) : why_not_move(node);
    }

    static std::string why_not_write_out(const Node& node, const QOperatorForm& form) {
        if (channel_order(node) == ChannelOrder::Last) return "its channels lie last";
        if (form.op == "ReduceMean" && node.graph().opset_version("") >= kReduceAxesInput)
            return "the axes of ReduceMean are an input here";
        if (form.op == "Gemm" && attrs<GemmAttrs>(node).alpha != 1.0F) return "its alpha is not 1";
        for (int index = 0; index < form.count_in_quantized(node); ++index) {
            const QOperatorForm::Place place = form.place(index);
            if (!node.input(place.tensor) || !node.input(place.scale)) return "an operand or its scale is absent";
            if (std::string reason = scale_reason(node, form, index); !reason.empty()) return reason;
            if (differ(node.input(place.tensor), node.input(place.zero_point)))
                return "an operand and its zero point are of different types";
            if (!is_pair(node.input(place.scale), node.input(place.zero_point)))
                return "a scale and its zero point are of different shapes";
        }
        if (!form.is_float_result()) {
            const Value* scale = node.input(form.result);
            if (!can_divide(scale) || (scale->type().has_rank() && !is_one_number(scale->type())))
                return "the scale of its result is no positive number";
            if (!is_pair(scale, node.input(form.result + 1))) return "the scale and the zero point of its result are of different shapes";
        }
        const Value* bias = form.bias == QOperatorForm::kNone ? nullptr : node.input(form.bias);
        if (bias && (!known_tensor(node.input(form.place(0).scale)) || !known_tensor(node.input(form.place(1).scale))))
            return "the scale of its bias follows from scales that are computed";
        if (bias && !bias_axis(*bias)) return "its bias is a matrix";
        return {};
    }

    static bool differ(const Value* codes, const Value* zero_point) {
        if (!zero_point || codes->type().dtype == DType::Undefined || zero_point->type().dtype == DType::Undefined) return false;
        return codes->type().dtype != zero_point->type().dtype;
    }

    static bool is_one_number(const ValueType& type) { return type.rank() == 0 || (type.rank() == 1 && (*type.dims)[0] == Dim(1)); }

    /// What is not known to differ does not.
    static bool is_pair(const Value* scale, const Value* zero_point) {
        if (!zero_point || !scale->type().has_rank() || !zero_point->type().has_rank()) return true;
        const ValueType &a = scale->type(), &b = zero_point->type();
        if (is_one_number(a) && is_one_number(b)) return true;
        return std::equal(a.dims->begin(), a.dims->end(), b.dims->begin(), b.dims->end(),
                          [](const Dim& x, const Dim& y) { return !x.is_known() || !y.is_known() || x == y; });
    }

    static bool can_divide(const Value* scale) {
        const Tensor* known = scale ? known_tensor(scale) : nullptr;
        if (!known) return scale != nullptr;
        if (known->dtype() != DType::Float32) return false;
        return std::ranges::all_of(known->values<float>(), [](float value) { return value > 0.0F && std::isfinite(value); });
    }

    /// One number, or of a weight one a channel.
    static std::string scale_reason(const Node& node, const QOperatorForm& form, int index) {
        const Value* const value = node.input(form.place(index).scale);
        const ValueType& scale = value->type();
        if (!scale.has_rank()) return "the shape of a scale is not known";
        if (scale.dtype != DType::Float32) return "a scale is not float32";
        if (const Tensor* known = known_tensor(value))
            if (!std::ranges::all_of(known->values<float>(), [](float number) { return std::isfinite(number); }))
                return "a scale is not finite";
        if (is_one_number(scale)) return {};
        const ValueType& weight = node.input(form.place(index).tensor)->type();
        if (scale.rank() != 1 || index != 1 || !form.channel_axis || !weight.shape() || !form.channel_axis(node, *weight.shape()))
            return "an operand has several scales that lie on no axis of channels";
        if (node.graph().opset_version("") < kPerChannelOpset) return "DequantizeLinear has one scale a channel from opset 13 on";
        return {};
    }

    /// Where a bias has its channels; -1: it is one number; nothing when it is a matrix or its shape is not known.
    static std::optional<int> bias_axis(const Value& bias) {
        const ValueType& type = bias.type();
        if (!type.has_rank()) return std::nullopt;
        if (type.rank() == 0) return -1;
        if (type.rank() == 1) return 0;
        return type.rank() == 2 && (*type.dims)[0] == Dim(1) ? std::optional<int>(1) : std::nullopt;
    }

    static bool is_mover_of_codes(const Node& node) {
        if (!moves_codes(node) && !node.is("Concat")) return false;
        const Node* first = quantizer_of(node, 0);
        if (!first || !code_params(*first)) return false;
        for (int index = 1; node.is("Concat") && index < node.input_count(); ++index) {
            const Node* other = quantizer_of(node, index);
            if (!other || code_params(*other) != code_params(*first)) return false;
        }
        return true;
    }

    static const Node* quantizer_of(const Node& node, int index) {
        const Node* producer = node.input(index) ? node.input(index)->producer() : nullptr;
        return producer && producer->is("QuantizeLinear") && &producer->graph() == &node.graph() ? producer : nullptr;
    }

    static std::string why_not_move(const Node& node) {
        if (!node.is("Pad") || attrs<PadAttrs>(node).mode != PadAttrs::Mode::Constant) return {};
        if (node.opset_version() < kPadValueInput || !attrs<PadAttrs>(node).value.is_settled())
            return "the value it pads with is not known";
        return {};
    }

    // ---- one operator ----

    void write_out(Node* node, const QOperatorForm& form) {
        Graph& graph = node->graph();
        std::vector<Value*> inputs(node->inputs().begin(), node->inputs().begin() + form.plain);
        for (int index = 0; index < form.count_in_quantized(*node); ++index) {
            const QOperatorForm::Place place = form.place(index);
            std::optional<int> axis;
            const ValueType &scale = node->input(place.scale)->type(), &weight = node->input(place.tensor)->type();
            if (index == 1 && form.channel_axis && scale.rank() == 1 && weight.shape()) axis = form.channel_axis(*node, *weight.shape());
            inputs.push_back(dequantized(node, node->input(place.tensor), node->input(place.scale), node->input(place.zero_point), axis));
        }
        if (form.bias != QOperatorForm::kNone && node->input(form.bias)) inputs.push_back(dequantized_bias(node, form));
        const Value* result = node->output(0);
        const std::string name = result->name();
        Node* made = graph.add_node({.op_type = std::string(form.op),
                                     .inputs = std::move(inputs),
                                     .attributes = attributes_of(*node),
                                     .name = node->name(),
                                     .outputs = {form.is_float_result() ? name : without_code_suffix(name)}},
                                    node);
        graph.set_type(made->output(0), float_of(*result));
        if (form.is_float_result()) return take_over(made, node);
        Value* zero_point = node->input(form.result + 1);
        Node* quantize =
            graph.add_node({.op_type = "QuantizeLinear", .inputs = {made->output(0), node->input(form.result)}, .outputs = {name}}, node);
        if (zero_point) graph.append_input(quantize, zero_point);
        graph.set_type(quantize->output(0), result->type());
        take_over(quantize, node);
    }

    static std::vector<Attribute> attributes_of(const Node& node) {
        std::vector<Attribute> attributes;
        for (const Attribute& attribute : node.attributes())
            if (attribute.name != "channels_last" && attribute.name != "opset") attributes.push_back(attribute);
        return attributes;
    }

    // ---- DequantizeLinear nodes ----

    struct Key {
        const Value *codes, *scale, *zero_point;
        auto operator<=>(const Key&) const = default;
    };

    void remember(Node* dequantize) {
        dequantizers_.try_emplace({dequantize->input(0), dequantize->input(1), dequantize->input(2)}, dequantize);
    }

    Value* dequantized(const Node* before, Value* codes, Value* scale, Value* zero_point, std::optional<int> axis) {
        Node*& known = dequantizers_[{codes, scale, zero_point}];
        if (known) return known->output(0);
        std::vector<Attribute> attributes;
        if (axis && *axis != 1) attributes.push_back({"axis", static_cast<std::int64_t>(*axis), {}});
        std::vector<Value*> inputs{codes, scale};
        if (zero_point) inputs.push_back(zero_point);
        Graph& graph = before->graph();
        known = graph.add_node({.op_type = "DequantizeLinear",
                                .inputs = std::move(inputs),
                                .attributes = std::move(attributes),
                                .outputs = {without_code_suffix(codes->name()) + "_dq"}},
                               before);
        graph.set_type(known->output(0), float_of(*codes));
        return known->output(0);
    }

    Value* dequantized_bias(const Node* node, const QOperatorForm& form) {
        Value* codes = node->input(form.bias);
        const Tensor& source = *known_tensor(node->input(form.place(0).scale));
        Tensor scales = *known_tensor(node->input(form.place(1).scale));
        for (float& scale : std::span(scales.mutable_data<float>(), static_cast<std::size_t>(scales.element_count())))
            scale *= source.data<float>()[0];
        const int axis = *bias_axis(*codes);
        const std::string base = without_code_suffix(codes->name());
        Value* scale = shared_constant(node->graph(), base + "_s", scales);
        const bool by_channel = scale->type().rank() == 1 && axis >= 0;
        return dequantized(node, codes, scale, nullptr, by_channel ? std::optional<int>(axis) : std::nullopt);
    }

    // ---- operators that move codes ----

    void surround(Node* node) {
        Graph& graph = node->graph();
        Node* source = node->input(0)->producer();
        std::vector<Value*> inputs(node->inputs().begin(), node->inputs().end());
        for (std::size_t index = 0; index < (node->is("Concat") ? inputs.size() : 1); ++index)
            inputs[index] = dequantized(node, inputs[index], source->input(1), source->input(2), std::nullopt);
        if (node->is("Pad") && attrs<PadAttrs>(*node).mode == PadAttrs::Mode::Constant) {
            const QuantParams params = *code_params(*source);
            const double code = attrs<PadAttrs>(*node).value.value.value_or(0.0);
            const float fill = static_cast<float>(code - static_cast<double>(params.zero_point)) * params.scale;
            inputs.resize(std::max<std::size_t>(inputs.size(), 3), nullptr);
            inputs[2] = fill == 0.0F ? nullptr : graph.add_constant(node->output(0)->name() + "_fill", Tensor::scalar(fill));
            while (!inputs.back()) inputs.pop_back();
        }
        std::vector<std::string> names;
        for (const Value* output : node->outputs()) names.push_back(output ? without_code_suffix(output->name()) : "");
        Node* made = graph.add_node({.op_type = node->op_type(),
                                     .inputs = std::move(inputs),
                                     .attributes = {node->attributes().begin(), node->attributes().end()},
                                     .name = node->name(),
                                     .outputs = names},
                                    node);
        for (int index = 0; index < node->output_count(); ++index)
            if (node->output(index) && !node->output(index)->is_unused())
                quantize_as(*source, made->output(index), node->output(index), node);
        graph.erase(node);
    }

    /// Quantizes `value` as `source` does, in place of `codes`.
    static void quantize_as(const Node& source, Value* value, Value* codes, const Node* before) {
        Graph& graph = value->graph();
        graph.set_type(value, float_of(*codes));
        Node* quantize = graph.add_node({.op_type = "QuantizeLinear",
                                         .inputs = {value, source.inputs().begin()[1]},
                                         .attributes = {source.attributes().begin(), source.attributes().end()},
                                         .outputs = {codes->name()}},
                                        before);
        if (source.input(2)) graph.append_input(quantize, source.input(2));
        graph.set_type(quantize->output(0), codes->type());
        const std::string name = codes->name();
        graph.replace_all_uses(codes, quantize->output(0));
        graph.rename(codes, graph.unique_name(name + "_old"));
        graph.rename(quantize->output(0), name);
    }

    std::map<Key, Node*> dequantizers_;  // of the graph at hand
};

}  // namespace

std::unique_ptr<Pass> make_convert_to_qdq() { return std::make_unique<ConvertToQdq>(); }

}  // namespace mcompress
