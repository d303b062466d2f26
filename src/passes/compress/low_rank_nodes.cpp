#include "passes/compress/low_rank_nodes.h"

#include <array>
#include <memory>
#include <numeric>
#include <span>

#include "ops/attributes.h"
#include "ops/conv.h"
#include "ops/matmul.h"
#include "support/check.h"

namespace mcompress {

namespace {

constexpr std::array<std::string_view, 3> kNames{"product", "spatial", "tucker"};

using Extents = std::vector<std::int64_t>;

/// A convolution's window with defaults filled in, rows before columns.
struct ConvWindow {
    Extents kernel, strides, dilations, pads;  // pads: begins, then ends
};

ConvWindow window_of(const Node& node) {
    const Shape& shape = known_tensor(node.input(1))->shape();
    const WindowAttrs given = attrs<ConvAttrs>(node).window;
    const int rank = shape.rank() - 2;
    const auto filled = [&](const Extents& list) { return list.empty() ? Extents(static_cast<std::size_t>(rank), 1) : list; };
    return {Extents(shape.begin() + 2, shape.end()), filled(given.strides), filled(given.dilations),
            fixed_pads(given, rank).value_or(Extents(static_cast<std::size_t>(2 * rank), 0))};
}

/// A window that is `window` along the axes in `kept`, and 1 along the others.
ConvWindow along(const ConvWindow& window, std::span<const bool> kept) {
    ConvWindow result = window;
    const std::size_t rank = window.kernel.size();
    for (std::size_t axis = 0; axis < rank; ++axis) {
        if (kept[axis]) continue;
        result.kernel[axis] = result.strides[axis] = result.dilations[axis] = 1;
        result.pads[axis] = result.pads[rank + axis] = 0;
    }
    return result;
}

void set_window(Node* node, const ConvWindow& window) {
    Graph& graph = node->graph();
    graph.set_attribute(node, "kernel_shape", window.kernel);
    graph.set_attribute(node, "strides", window.strides);
    graph.set_attribute(node, "dilations", window.dilations);
    graph.set_attribute(node, "pads", window.pads);
    if (node->attribute("auto_pad")) graph.erase_attribute(node, "auto_pad");
}

Tensor kernel_of(const FactorMatrix& factor, const Extents& window) {
    const std::int64_t taps = std::accumulate(window.begin(), window.end(), std::int64_t{1}, std::multiplies<>());
    std::vector<std::int64_t> dims{factor.outputs, factor.columns / taps};
    dims.insert(dims.end(), window.begin(), window.end());
    return Tensor::from_values(Shape(std::move(dims)), factor.values);
}

Tensor matrix_tensor(const FactorMatrix& factor, MatrixOrder order) {
    if (order == MatrixOrder::Transposed) return Tensor::from_values(Shape{factor.outputs, factor.columns}, factor.values);
    std::vector<float> values(factor.values.size());
    for (std::int64_t out = 0; out < factor.outputs; ++out)
        for (std::int64_t in = 0; in < factor.columns; ++in)
            values[static_cast<std::size_t>(in * factor.outputs + out)] =
                factor.values[static_cast<std::size_t>(out * factor.columns + in)];
    return Tensor::from_values(Shape{factor.columns, factor.outputs}, values);
}

class Writer {
public:
    explicit Writer(Node* node) : node_(node), graph_(node->graph()), base_(node->output(0)->name()), weight_(node->input(1)) {}

    std::vector<Node*> write(FactorForm form, const std::vector<FactorMatrix>& factors) {
        if (node_->is("Conv")) write_convolutions(form, factors);
        else write_products(factors);
        if (weight_->is_unused() && weight_->is_constant()) graph_.erase(weight_);
        else if (weight_->is_unused() && weight_->producer()) graph_.erase(weight_->producer());
        made_.push_back(node_);
        return std::move(made_);
    }

private:
    Value* weight(Tensor tensor, std::size_t at) {
        return graph_.add_constant(weight_->name() + "_factor" + std::to_string(at + 1), std::move(tensor));
    }

    Value* add(NodeSpec spec, std::size_t at, ValueType type) {
        spec.name = node_->name().empty() ? "" : node_->name() + "_factor" + std::to_string(at + 1);
        spec.outputs = {base_ + "_factor" + std::to_string(at + 1)};
        Node* const made = graph_.add_node(std::move(spec), node_);
        graph_.set_type(made->output(0), std::move(type));
        made_.push_back(made);
        return made->output(0);
    }

    void write_products(const std::vector<FactorMatrix>& factors) {
        Value* const x = node_->input(0);
        ValueType type = ValueType::tensor(DType::Float32);
        // A product with an operand of unknown shape may be declared without the axis that it has.
        if (node_->output(0)->type().has_rank() && node_->output(0)->type().rank() > 0) {
            type.dims = node_->output(0)->type().dims;
            type.dims->back() = Dim(factors[0].outputs);
        }
        if (node_->is("MatMul")) {
            Value* const first = weight(matrix_tensor(factors[0], MatrixOrder::AsStored), 0);
            graph_.set_input(node_, 0, add({.op_type = "MatMul", .inputs = {x, first}}, 0, std::move(type)));
            graph_.set_input(node_, 1, weight(matrix_tensor(factors[1], MatrixOrder::AsStored), 1));
            return;
        }
        const GemmAttrs gemm = attrs<GemmAttrs>(*node_);
        NodeSpec spec{.op_type = "Gemm", .inputs = {x, weight(matrix_tensor(factors[0], MatrixOrder::Transposed), 0)}};
        spec.attributes.push_back({"transB", std::int64_t{1}, {}});
        if (gemm.a == MatrixOrder::Transposed) spec.attributes.push_back({"transA", std::int64_t{1}, {}});
        graph_.set_input(node_, 0, add(std::move(spec), 0, std::move(type)));
        graph_.set_input(node_, 1, weight(matrix_tensor(factors[1], gemm.b), 1));
        if (node_->attribute("transA")) graph_.erase_attribute(node_, "transA");
    }

    Value* add_convolution(Value* x, const FactorMatrix& factor, const ConvWindow& window, std::size_t at) {
        NodeSpec spec{.op_type = "Conv", .inputs = {x, weight(kernel_of(factor, window.kernel), at)}};
        Value* const made = add(std::move(spec), at, ValueType::tensor(DType::Float32));
        set_window(made->producer(), window);
        return made;
    }

    void finish(Value* x, const FactorMatrix& factor, const ConvWindow& window, std::size_t at) {
        graph_.set_input(node_, 0, x);
        graph_.set_input(node_, 1, weight(kernel_of(factor, window.kernel), at));
        set_window(node_, window);
    }

    void write_convolutions(FactorForm form, const std::vector<FactorMatrix>& factors) {
        const ConvWindow whole = window_of(*node_);
        const std::size_t rank = whole.kernel.size();
        const auto none = std::make_unique<bool[]>(rank);
        const ConvWindow point = along(whole, {none.get(), rank});
        Value* x = node_->input(0);
        if (form == FactorForm::Spatial) {
            constexpr std::array<bool, 2> kRows{true, false}, kColumns{false, true};
            finish(add_convolution(x, factors[0], along(whole, kRows), 0), factors[1], along(whole, kColumns), 1);
            return;
        }
        if (form == FactorForm::Tucker) {
            x = add_convolution(x, factors[0], point, 0);
            finish(add_convolution(x, factors[1], whole, 1), factors[2], point, 2);
            return;
        }
        const std::string auto_pad = string_attribute(*node_, "auto_pad", "NOTSET");
        x = add_convolution(x, factors[0], whole, 0);
        if (auto_pad != "NOTSET") {
            graph_.erase_attribute(x->producer(), "pads");
            graph_.set_attribute(x->producer(), "auto_pad", auto_pad);
        }
        finish(x, factors[1], point, 1);
    }

    Node* node_;
    Graph& graph_;
    std::string base_;
    Value* weight_;
    std::vector<Node*> made_;
};

}  // namespace

std::string_view form_name(FactorForm form) { return kNames[static_cast<std::size_t>(form)]; }

std::string why_not_in_form(const Node& node, FactorForm form) {
    if (form == FactorForm::Product) return {};
    if (!node.is("Conv")) return "it is no convolution";
    const Shape& shape = known_tensor(node.input(1))->shape();
    if (shape.rank() != 4) return "its kernel has not two spatial axes";
    if (shape[2] == 1 && shape[3] == 1) return "its kernel is 1x1";
    if (form == FactorForm::Spatial && (shape[2] == 1 || shape[3] == 1)) return "its kernel has one row or column";
    if (!fixed_pads(attrs<ConvAttrs>(node).window, 2)) return "its pads follow from the size of the input";
    return {};
}

std::vector<Node*> write_factors(Node* node, FactorForm form, const std::vector<FactorMatrix>& factors) {
    MCOMPRESS_CHECK(factors.size() == (form == FactorForm::Tucker ? 3U : 2U) && why_not_in_form(*node, form).empty());
    return Writer(node).write(form, factors);
}

}  // namespace mcompress
