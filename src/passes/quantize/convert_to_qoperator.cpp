// Writes each group of DequantizeLinear, operator and QuantizeLinear as the one operator that reads and writes codes: QLinearConv, QLinearMatMul,
// com.microsoft's QGemm, QLinearAdd and their kin (qoperator_forms.cpp). Operators that only move elements then read the codes themselves.
//
// Before:  x_dq = DequantizeLinear (x_q, s, z)   w_dq = DequantizeLinear <axis = 0> (w_q, w_s, w_z)   b_dq = DequantizeLinear <axis = 0> (b_q, b_s)
//          y = Conv (x_dq, w_dq, b_dq)   y_q = QuantizeLinear (y, y_s, y_z)
// After:   y_q = QLinearConv (x_q, s, z, w_q, w_s, w_z, y_s, y_z, b_q)
//
// Formula: the sum of products of codes, times s w_s / y_s, rounded to the nearest code: what ONNX Runtime makes of the group when it loads it. A Gemm
// or MatMul without a quantizer behind it becomes the form that writes floats.
//
// Does nothing when an operand is not dequantized with one constant scale (weights: or one an output channel), when a bias does not have the scale of
// the products, when something else than one quantizer reads the result, when the types of operands and result differ, and when an operator that moves
// elements has other parameters before than behind.
#include "passes/quantize/convert_to_qoperator.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "ops/quantization.h"
#include "ops/shape.h"
#include "passes/quantize/code_params.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/qoperator_forms.h"
#include "passes/rewriter.h"

namespace mcompress {
namespace {

/// A tensor of codes, its scale and its zero point, as a quantized operator reads them.
struct CodedOperand {
    Node* dequantize = nullptr;
    std::optional<QuantParams> params;  // nothing: one scale an output channel
};

class ConvertToQOperator final : public Pass {
public:
    std::string_view name() const override { return "convert-to-qoperator"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        visited_.clear();
        for_each_graph(graph, [&](Graph& each) {
            for (Node* node : each.order()) {
                const bool is_quantizer = node->is("QuantizeLinear");
                if (is_quantizer) visited_.insert(node);
                Node* main = is_quantizer ? producer_in_graph(*node) : node;
                if (!main || !dequantizer_of(*main, first_operand(*main))) continue;
                const std::string reason = is_quantizer ? convert_group(main, node) : convert_open(main);
                if (reason.empty()) ++result.rewrites;
                else if (reason != kNoGroup) result.skipped.push_back(skip(*main, reason));
            }
        });
        if (result.rewrites > 0) {
            graph.opset_imports()->emplace("com.microsoft", 1);
            for_each_graph(graph, erase_idle_dequantizers);
        }
        return result;
    }

private:
    static constexpr std::string_view kNoGroup = "-";  // not even a near miss

    static int first_operand(const Node& node) { return node.is("Where") ? 1 : 0; }

    static Node* producer_in_graph(const Node& quantizer) {
        Node* producer = quantizer.input(0) ? quantizer.input(0)->producer() : nullptr;
        return producer && &producer->graph() == &quantizer.graph() ? producer : nullptr;
    }

    static Node* dequantizer_of(const Node& node, int index) {
        Node* producer = node.input(index) ? node.input(index)->producer() : nullptr;
        return producer && producer->is("DequantizeLinear") && &producer->graph() == &node.graph() ? producer : nullptr;
    }

    // ---- operators that end in a quantizer ----

    /// Empty when the group became one operator, else the reason.
    std::string convert_group(Node* main, Node* quantizer) {
        if (moves_codes(*main)) return convert_mover(main, quantizer);
        const QOperatorForm* form = find_form_of_float(*main, FormResult::Codes);
        if (!form) return std::string(kNoGroup);
        if (std::string reason = why_not_whole(*main, *quantizer); !reason.empty()) return reason;
        const std::optional<QuantParams> result = code_params(*quantizer);
        if (!result) return "its result is not quantized to 8 bits with one constant scale";
        if (form->refuse)
            if (const std::string_view reason = form->refuse(*main, *result); !reason.empty()) return std::string(reason);
        std::vector<CodedOperand> operands;
        if (std::string reason = read_operands(*main, *form, operands); !reason.empty()) return reason;
        for (const CodedOperand& operand : operands)
            if (operand.params && operand.dequantize != weights_of(operands, *form) && operand.params->dtype != result->dtype)
                return "its operands and its result have different types";
        Node* made = add_quantized(*main, *form, operands, quantizer);
        take_over(made, quantizer);
        main->graph().erase(main);
        return {};
    }

    static std::string why_not_whole(const Node& main, const Node& quantizer) {
        const Value* result = main.output(0);
        if (result != quantizer.input(0) || main.output_count() != 1) return "it has several results";
        if (result->is_graph_output()) return "its result is a graph output";
        if (result->uses().size() != 1) return "something else than its quantizer reads its result";
        return several_outputs(*quantizer.output(0), *result);
    }

    static std::string several_outputs(const Value& value, const Value& other) {
        if (value.graph().can_replace(&value, &other)) return {};
        return format("'{}' is the name of several graph outputs", value.name());
    }

    // ---- products that write floats ----

    std::string convert_open(Node* main) {
        const QOperatorForm* form = find_form_of_float(*main, FormResult::Floats);
        if (!form) return std::string(kNoGroup);
        for (const Use& use : main->output(0)->uses())
            if (use.node->is("QuantizeLinear")) return std::string(kNoGroup);  // judged with its quantizer
        if (form->refuse)
            if (const std::string_view reason = form->refuse(*main, {}); !reason.empty()) return std::string(reason);
        std::vector<CodedOperand> operands;
        if (std::string reason = read_operands(*main, *form, operands); !reason.empty()) return reason;
        if (std::string reason = several_outputs(*main->output(0), *main->input(0)); !reason.empty()) return reason;
        take_over(add_quantized(*main, *form, operands, nullptr), main);
        return {};
    }

    // ---- operands ----

    static const Node* weights_of(const std::vector<CodedOperand>& operands, const QOperatorForm& form) {
        return form.channel_axis && operands.size() == 2 ? operands[1].dequantize : nullptr;
    }

    static std::string read_operands(const Node& main, const QOperatorForm& form, std::vector<CodedOperand>& operands) {
        for (int index = 0; index < form.count_in_float(main); ++index) {
            Node* dequantize = dequantizer_of(main, form.plain + index);
            if (!dequantize) return index == 1 && form.channel_axis ? "its weight is not quantized" : "an operand is not quantized";
            operands.push_back({dequantize, code_params(*dequantize)});
            if (operands.back().params) continue;
            if (index != 1 || !form.channel_axis || !has_channel_scales(main, form, *dequantize))
                return "an operand does not have 8-bit codes with one constant scale";
        }
        if (operands.size() == 2 && form.channel_axis) {
            if (operands[0].params->dtype == DType::Int8 && dtype_of_codes(*operands[1].dequantize) == DType::UInt8)
                return "ONNX Runtime multiplies no int8 activations by uint8 weights";
        } else {
            for (const CodedOperand& operand : operands)
                if (operand.params->dtype != operands[0].params->dtype) return "its operands have different types";
        }
        return bias_reason(main, form, operands);
    }

    static DType dtype_of_codes(const Node& dequantize) { return dequantize.input(0)->type().dtype; }

    static bool has_channel_scales(const Node& main, const QOperatorForm& form, const Node& dequantize) {
        const Tensor* codes = known_tensor(dequantize.input(0));
        const Tensor* scales = known_tensor(dequantize.input(1));
        if (!codes || !scales || scales->dtype() != DType::Float32 || scales->shape().rank() != 1) return false;
        if (codes->dtype() != DType::Int8 && codes->dtype() != DType::UInt8) return false;
        if (dequantize.input(2) && !known_tensor(dequantize.input(2))) return false;
        const auto attributes = attrs<QuantizeLinearAttrs>(dequantize);
        const std::optional<int> axis = form.channel_axis(main, codes->shape());
        return axis && attributes.block_size == 0 && normalize_axis(attributes.axis, codes->shape().rank()) == axis &&
               codes->shape()[*axis] == scales->element_count();
    }

    /// Its codes must count the same steps as the sums: the product of the two scales.
    static std::string bias_reason(const Node& main, const QOperatorForm& form, const std::vector<CodedOperand>& operands) {
        if (form.bias == QOperatorForm::kNone || !main.input(2)) return {};
        const Node* bias = dequantizer_of(main, 2);
        const Tensor* codes = bias ? known_tensor(bias->input(0)) : nullptr;
        const Tensor* scales = bias ? known_tensor(bias->input(1)) : nullptr;
        if (!codes || !scales || codes->dtype() != DType::Int32 || scales->dtype() != DType::Float32)
            return "its bias does not have int32 codes";
        if (bias->input(2) && !is_all_zero(known_tensor(bias->input(2)))) return "its bias has a zero point";
        const std::span<const float> weights = known_tensor(operands[1].dequantize->input(1))->values<float>();
        const std::span<const float> given = scales->values<float>();
        for (std::size_t at = 0; at < std::max(weights.size(), given.size()); ++at) {
            if ((given.size() != 1 && at >= given.size()) || (weights.size() != 1 && at >= weights.size())) return kBiasScale;
            const float product = operands[0].params->scale * weights[weights.size() == 1 ? 0 : at];
            const float scale = given[given.size() == 1 ? 0 : at];
            if (!(std::fabs(scale - product) <= 1e-6F * std::fabs(product))) return kBiasScale;
        }
        return {};
    }

    static constexpr const char* kBiasScale = "its bias does not have the scale of its products";

    // ---- the quantized operator ----

    static Node* add_quantized(const Node& main, const QOperatorForm& form, const std::vector<CodedOperand>& operands,
                               const Node* quantizer) {
        Graph& graph = main.graph();
        std::vector<Value*> inputs(main.inputs().begin(), main.inputs().begin() + form.plain);
        const auto put = [&](int index, Value* value) {
            if (static_cast<int>(inputs.size()) <= index) inputs.resize(static_cast<std::size_t>(index) + 1, nullptr);
            inputs[static_cast<std::size_t>(index)] = value;
        };
        for (std::size_t index = 0; index < operands.size(); ++index) {
            const QOperatorForm::Place place = form.place(static_cast<int>(index));
            const Node& dequantize = *operands[index].dequantize;
            put(place.tensor, dequantize.input(0));
            put(place.scale, dequantize.input(1));
            put(place.zero_point, zero_point_beside(dequantize));
        }
        if (quantizer) {
            put(form.result, quantizer->input(1));
            put(form.result + 1, zero_point_beside(*quantizer));
        }
        if (form.bias != QOperatorForm::kNone && main.input(2)) put(form.bias, main.input(2)->producer()->input(0));
        const Value* result = quantizer ? quantizer->output(0) : main.output(0);
        Node* made = graph.add_node({.op_type = std::string(form.quantized),
                                     .inputs = std::move(inputs),
                                     .attributes = attributes_of(main),
                                     .name = main.name(),
                                     .domain = std::string(form.domain),
                                     .outputs = {result->name()}},
                                    quantizer ? quantizer : &main);
        graph.set_type(made->output(0), result->type());
        return made;
    }

    static std::vector<Attribute> attributes_of(const Node& main) {
        std::vector<Attribute> attributes;
        for (const Attribute& attribute : main.attributes())
            if (!(main.is("Gemm") && attribute.name == "beta")) attributes.push_back(attribute);
        if (main.is("Softmax")) attributes.push_back({"opset", std::int64_t{main.opset_version()}, {}});
        return attributes;
    }

    /// Of the scale's shape: the quantized operators want one where the standard's pairs may leave it out.
    static Value* zero_point_beside(const Node& node) {
        const Value* scale = node.input(1);
        if (Value* given = node.input(2)) {
            const Tensor *zeros = known_tensor(given), *scales = known_tensor(scale);
            if (!zeros || !scales || zeros->shape() == scales->shape() || scales->element_count() == 1) return given;
        }
        const DType dtype = node.is("QuantizeLinear") ? quantized_dtype(node) : dtype_of_codes(node);
        const Tensor* scales = known_tensor(scale);
        if (!scales || scales->shape().rank() == 0) return zero_point_constant(node.graph(), {1.0F, 0, dtype});
        return node.graph().add_constant(scale->name() + "_z", Tensor(dtype, scales->shape()));
    }

    // ---- operators that move elements ----

    std::string convert_mover(Node* main, Node* quantizer) {
        Node* dequantize = dequantizer_of(*main, 0);
        const std::optional<QuantParams> params = code_params(*dequantize);
        if (!params) return "an operand does not have 8-bit codes with one constant scale";
        std::vector<Node*> quantizers;
        for (Value* output : main->outputs()) {
            if (!output || output->is_unused()) continue;
            if (output->is_graph_output()) return "its result is a graph output";
            if (output->uses().size() != 1 || !output->uses()[0].node->is("QuantizeLinear") || output->uses()[0].index != 0 ||
                &output->uses()[0].node->graph() != &main->graph())
                return "something else than its quantizer reads its result";
            quantizers.push_back(output->uses()[0].node);
            if (code_params(*quantizers.back()) != params) return "its parameters before and behind it differ";
            if (std::string reason = several_outputs(*quantizers.back()->output(0), *output); !reason.empty()) return reason;
        }
        for (const Node* each : quantizers)
            if (!visited_.contains(each)) return std::string(kNoGroup);  // converted with its last quantizer
        Value* fill = nullptr;
        if (main->is("Pad") && attrs<PadAttrs>(*main).mode == PadAttrs::Mode::Constant) {
            const auto pad = attrs<PadAttrs>(*main);
            if (!pad.value.is_absent() && !(pad.value.is_settled() && pad.value.value == 0.0)) return "the value it pads with is not 0";
            if (main->opset_version() < 11) return "opset 11 made an input of the value it pads with";
            fill = zero_point_constant(main->graph(), *params);
        }
        read_codes(main, dequantize->input(0), fill, quantizer);
        return {};
    }

    static void read_codes(Node* main, Value* codes, Value* fill, const Node* before) {
        Graph& graph = main->graph();
        std::vector<Value*> inputs(main->inputs().begin(), main->inputs().end());
        inputs[0] = codes;
        if (fill) {
            inputs.resize(std::max<std::size_t>(inputs.size(), 3), nullptr);
            inputs[2] = fill;
        }
        std::vector<std::string> names;
        for (const Value* output : main->outputs()) names.push_back(output ? output->name() : "");
        Node* made = graph.add_node({.op_type = main->op_type(),
                                     .inputs = std::move(inputs),
                                     .attributes = {main->attributes().begin(), main->attributes().end()},
                                     .name = main->name(),
                                     .outputs = names},
                                    before);
        for (int index = 0; index < main->output_count(); ++index) {
            Value* output = main->output(index);
            if (!output || output->is_unused()) continue;
            Node* quantizer = output->uses()[0].node;
            Value* result = made->output(index);
            const std::string name = quantizer->output(0)->name();
            graph.set_type(result, quantizer->output(0)->type());
            graph.replace_all_uses(quantizer->output(0), result);
            graph.erase(quantizer);
            graph.rename(result, name);
        }
        graph.erase(main);
    }

    std::unordered_set<const Node*> visited_;  // quantizers
};

}  // namespace

std::unique_ptr<Pass> make_convert_to_qoperator() { return std::make_unique<ConvertToQOperator>(); }

}  // namespace mcompress
