// Computes MatMul and Gemm with constant weights on 8-bit codes: int8 weights, one scale an output column, and activations that are quantized while
// the model runs, from the range of the very tensor. Needs no calibration data.
//
// Before:  y = MatMul (x, w)
// After:   x_q, x_s, x_z = DynamicQuantizeLinear (x)   y_i = MatMulInteger (x_q, w_q, x_z)   y_f = Cast <to = 1> (y_i)
//          y_s = Mul (x_s, w_s)   y = Mul (y_f, y_s)
//
// Formula: as quantize-weights for w; x_s = (max(x, 0) - min(x, 0)) / 255. A Gemm's bias is added in float behind; its transposed weight is stored
// the right way round. Products that read the same x share its quantizer. ONNX Runtime runs each group as one kernel.
//
// Does nothing when the weight is not a float32 constant matrix, or is computed; convolutions stay float.
#include "passes/quantize/quantize_dynamic.h"

#include <map>

#include "ops/attributes.h"
#include "ops/matmul.h"
#include "passes/quantize/dynamic_quantizers.h"
#include "passes/quantize/quantization_plan.h"
#include "passes/quantize/weight_codes.h"
#include "passes/rewriter.h"

namespace mcompress {
namespace {

constexpr int kOpset = 11;  // DynamicQuantizeLinear

Tensor transposed(const Tensor& matrix) {
    const std::int64_t rows = matrix.shape()[0], columns = matrix.shape()[1];
    Tensor result = Tensor::uninitialized(DType::Float32, Shape{columns, rows});
    float* to = result.mutable_data<float>();
    for (std::int64_t column = 0; column < columns; ++column)
        for (std::int64_t row = 0; row < rows; ++row) *to++ = matrix.data<float>()[row * columns + column];
    return result;
}

class QuantizeDynamic final : public Pass {
public:
    explicit QuantizeDynamic(QuantizationScheme scheme) : scheme_(std::move(scheme)) { check_scheme(scheme_); }
    std::string_view name() const override { return "quantize-dynamic"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        if (graph.opset_version("") < kOpset)
            throw Error(codes::kOpsetUnsupported, format("opset {} has no DynamicQuantizeLinear", graph.opset_version("")),
                        "raise the opset to 11 first");
        QuantizationScheme weights_only = scheme_;
        weights_only.activations = ActivationMode::Float;
        const QuantizationPlan plan = plan_quantization(graph, weights_only);
        result.skipped = plan.skipped;
        quantizers_ = {};
        weights_.clear();
        for_each_node(graph, [&](Node& node) {
            const auto unit = plan.units.find(&node);
            if (unit == plan.units.end() || unit->second->role != QuantizedRole::Compute) return;
            if (const std::string_view reason = why_not(node); !reason.empty()) {
                result.skipped.push_back(skip(node, std::string(reason)));
                return;
            }
            quantize(&node);
            ++result.rewrites;
        });
        return result;
    }

private:
    struct Weights {
        Value* codes;
        Value* scales;
    };

    static bool has_transposed_weight(const Node& node) { return node.is("Gemm") && attrs<GemmAttrs>(node).b == MatrixOrder::Transposed; }

    static std::string_view why_not(const Node& node) {
        if (node.is("Conv")) return "ConvInteger is slower than a float Conv in ONNX Runtime, and less accurate";
        if (!node.is("MatMul") && !node.is("Gemm")) return "it has no form with ranges found while the model runs";
        const Tensor* weight = known_tensor(node.input(1));
        if (!weight || weight->dtype() != DType::Float32 || weight->shape().rank() != 2) return "its weight is not a constant matrix";
        const ValueType& type = node.input(0)->type();
        if (!type.is_tensor() || type.dtype != DType::Float32) return "its activation is not float32";
        if (type.has_rank() && type.rank() < 2) return "its activation is a vector";
        // What goes in is not known, and what was declared of the result cannot be.
        const ValueType& result = node.output(0)->type();
        const Dim columns = weight->shape()[has_transposed_weight(node) ? 0 : 1];
        if (result.has_rank() && (result.rank() == 0 || (result.dims->back().is_known() && result.dims->back() != columns)))
            return "its result is declared with a shape that does not fit its weight";
        return {};
    }

    Weights weights_of(const Node& node) {
        Value* weight = node.input(1);
        const bool is_transposed = has_transposed_weight(node);
        const auto [entry, is_new] = weights_.try_emplace({weight, is_transposed});
        if (!is_new) return entry->second;
        const Tensor matrix = is_transposed ? transposed(*known_tensor(weight)) : *known_tensor(weight);
        // Output channels are the columns; kernels sum down the rows.
        const SummationOrder order{.channel_axis = 1, .innermost_axis = 0};
        const std::optional<int> axis = scheme_.weight_granularity == Granularity::PerChannel ? std::optional(1) : std::nullopt;
        QuantizedWeight codes = quantize_weight(matrix, axis, order, scheme_.sum_width, scheme_.weight_dtype, weight->name());
        Graph& graph = weight->graph();
        entry->second = {graph.add_constant(weight->name() + "_q", std::move(codes.codes)),
                         graph.add_constant(weight->name() + "_s", std::move(codes.scales))};
        return entry->second;
    }

    void quantize(Node* node) {
        Graph& graph = node->graph();
        const Weights weights = weights_of(*node);
        const Node* quantizer = quantizers_.of(node->input(0), node);
        const std::string name = node->output(0)->name(), label = node->name();
        const auto add = [&](const char* op, std::vector<Value*> inputs, DType dtype, const char* suffix,
                             std::vector<Attribute> attributes = {}) {
            Node* made = graph.add_node({.op_type = op,
                                         .inputs = std::move(inputs),
                                         .attributes = std::move(attributes),
                                         .name = label.empty() ? "" : label + suffix,
                                         .outputs = {name + suffix}},
                                        node);
            ValueType type = node->output(0)->type();
            type.dtype = dtype;
            graph.set_type(made->output(0), std::move(type));
            return made;
        };
        Node* sums = add("MatMulInteger", {quantizer->output(0), weights.codes, quantizer->output(2)}, DType::Int32, "_i");
        Node* real = add("Cast", {sums->output(0)}, DType::Float32, "_f", {{"to", std::int64_t{1}, {}}});
        Node* scale = add("Mul", {quantizer->output(1), weights.scales}, DType::Float32, "_s");
        graph.set_type(scale->output(0), weights.scales->type());
        Value* bias = node->is("Gemm") ? node->input(2) : nullptr;
        Node* last = add("Mul", {real->output(0), scale->output(0)}, DType::Float32, bias ? "_product" : "_y");
        if (bias) last = add("Add", {last->output(0), bias}, DType::Float32, "_y");
        take_over(last, node);
        if (!label.empty()) graph.set_name(last, label);
    }

    QuantizationScheme scheme_;
    DynamicQuantizers quantizers_;
    std::map<std::pair<const Value*, bool>, Weights> weights_;  // by weight, and whether it is read transposed
};

}  // namespace

std::unique_ptr<Pass> make_quantize_dynamic(const QuantizationScheme& scheme) { return std::make_unique<QuantizeDynamic>(scheme); }

}  // namespace mcompress
