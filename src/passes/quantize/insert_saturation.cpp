// Makes a quantized graph compute what x86 kernels without VNNI would: they add products two by two in 16 bits, with saturation.
//
// Before:  y = Conv (x_dq, w_dq, b)                    x_dq = DequantizeLinear (x_q, x_s, x_z), w_dq = DequantizeLinear (w_q, w_s)
// After:   y_exact = Conv (x_dq, w_dq, b)   y_sums = mcompress.ConvSaturation (x_q, w_q, x_z)   y_float = Cast <to = 1> (y_sums)
//          y_change = Mul (y_float, y_scale)   y = Add (y_exact, y_change)
//
// Formula: y_scale[c] = x_s w_s[c] (times alpha of a Gemm); the operator of the private domain gives the saturated sums less the exact ones, with pairs
// as ONNX Runtime packs them. Gemm and MatMul alike with MatMulSaturation; ConvInteger and MatMulInteger take the int32 change as it is.
//
// Does nothing when no pair of the node's codes can saturate, which proves that its sums are exact. Skipped are operators that hold their sums inside
// (QLinearConv and the like), stacks of matrices, and scales that are not constant.
#include "passes/quantize/insert_saturation.h"

#include <algorithm>

#include "ops/attributes.h"
#include "passes/quantize/paired_product.h"
#include "passes/rewriter.h"

namespace mcompress {
namespace {

class InsertSaturation final : public Pass {
public:
    std::string_view name() const override { return "insert-saturation"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        for_each_node(graph, [&](Node& node) {
            std::string why_not;
            const std::optional<PairedProduct> product = paired_product(node, &why_not);
            if (product && product->weight->shape().rank() > 2 && !is_convolution(node)) why_not = "its weight is a stack of matrices";
            if (!why_not.empty()) result.skipped.push_back(skip(node, why_not));
            if (!product || !why_not.empty() || is_done(node)) return;
            if (pair_risk(*product->weight, product->order, PairPacking::Continuous).at_risk == 0) return;
            insert(&node, *product);
            ++result.rewrites;
        });
        if (result.rewrites > 0) graph.opset_imports()->emplace("mcompress", 1);
        return result;
    }

private:
    static bool is_convolution(const Node& node) { return node.is("Conv") || node.is("ConvInteger"); }

    /// Whether the change is added to the node's result already.
    static bool is_done(const Node& node) {
        const auto& uses = node.output(0)->uses();
        return std::any_of(uses.begin(), uses.end(), [](const Use& use) {
            const Node* source = use.node->is("Add") && use.node->input(1) ? use.node->input(1)->producer() : nullptr;
            while (source && source->domain().empty() && source->input(0)) source = source->input(0)->producer();
            return source && source->domain() == "mcompress" && source->op_type().ends_with("Saturation");
        });
    }

    static void insert(Node* node, const PairedProduct& product) {
        Graph& graph = node->graph();
        const std::string name = node->output(0)->name();
        const ValueType type = node->output(0)->type();
        const auto add = [&](NodeSpec spec, DType dtype) {
            Node* made = graph.add_node(std::move(spec), node);
            ValueType made_type = type;
            made_type.dtype = dtype;
            graph.set_type(made->output(0), std::move(made_type));
            return made;
        };
        Node* exact = add({.op_type = node->op_type(),
                           .inputs = {node->inputs().begin(), node->inputs().end()},
                           .attributes = {node->attributes().begin(), node->attributes().end()},
                           .outputs = {name + "_exact"}},
                          type.dtype);
        Node* change = add(saturation(*node, product, name), DType::Int32);
        if (!product.scales.empty()) {
            change = add({.op_type = "Cast",
                          .inputs = {change->output(0)},
                          .attributes = {{"to", std::int64_t{1}, {}}},
                          .outputs = {name + "_float"}},
                         DType::Float32);
            Value* scale = graph.add_constant(name + "_scale", scale_tensor(*node, product));
            change = add({.op_type = "Mul", .inputs = {change->output(0), scale}, .outputs = {name + "_change"}}, DType::Float32);
        }
        const std::string label = node->name();
        Node* sum = add({.op_type = "Add", .inputs = {exact->output(0), change->output(0)}, .outputs = {name + "_saturated"}}, type.dtype);
        take_over(sum, node);
        graph.set_name(exact, label);
    }

    static NodeSpec saturation(const Node& node, const PairedProduct& product, const std::string& name) {
        Graph& graph = node.graph();
        if (is_convolution(node)) {
            const Tensor zero =
                product.activation->type().dtype == DType::Int8 ? Tensor::scalar(std::int8_t{0}) : Tensor::scalar(std::uint8_t{0});
            Value* zero_point = product.zero_point ? product.zero_point : graph.add_constant(name + "_zero", zero);
            return {.op_type = "ConvSaturation",
                    .inputs = {product.activation, graph.add_constant(name + "_codes", *product.weight), zero_point},
                    .attributes = {node.attributes().begin(), node.attributes().end()},
                    .domain = "mcompress",
                    .outputs = {name + "_sums"}};
        }
        const Tensor matrix = product.order.channel_axis == 1 ? *product.weight : transposed(*product.weight);
        return {.op_type = "MatMulSaturation",
                .inputs = {product.activation, graph.add_constant(name + "_codes", matrix)},
                .domain = "mcompress",
                .outputs = {name + "_sums"}};
    }

    static Tensor transposed(const Tensor& matrix) {
        const std::int64_t rows = matrix.shape()[0], columns = matrix.shape()[1];
        Tensor result = Tensor::uninitialized(DType::Int8, Shape{columns, rows});
        std::int8_t* to = result.mutable_data<std::int8_t>();
        for (std::int64_t column = 0; column < columns; ++column)
            for (std::int64_t row = 0; row < rows; ++row) *to++ = matrix.data<std::int8_t>()[row * columns + column];
        return result;
    }

    /// One scale, or one an output channel, in the shape that the sums broadcast with.
    static Tensor scale_tensor(const Node& node, const PairedProduct& product) {
        std::vector<std::int64_t> dims;
        if (product.scales.size() > 1) {
            dims.push_back(static_cast<std::int64_t>(product.scales.size()));
            if (is_convolution(node)) dims.insert(dims.end(), static_cast<std::size_t>(product.weight->shape().rank() - 2), 1);
        }
        return Tensor::from_values(Shape(std::move(dims)), product.scales);
    }
};

}  // namespace

std::unique_ptr<Pass> make_insert_saturation() { return std::make_unique<InsertSaturation>(); }

}  // namespace mcompress
