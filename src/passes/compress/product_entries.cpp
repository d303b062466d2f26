#include "passes/compress/product_entries.h"

#include <algorithm>

#include "ops/conv.h"
#include "ops/matmul.h"
#include "passes/constant_values.h"

namespace mcompress {

namespace {

/// Element (i, j) of a matrix, or the taps behind it: entries from `begin` on.
ProductEntry entry_at(const std::vector<double>& weights, std::int64_t begin, std::int64_t taps) {
    ProductEntry entry;
    for (std::int64_t tap = begin; tap < begin + taps; ++tap) {
        const double weight = weights[static_cast<std::size_t>(tap)];
        entry.sum += weight;
        entry.is_zero = entry.is_zero && weight == 0.0;
    }
    return entry;
}

/// Weights [rows, columns, taps …] in `groups` of rows; a column counts inside its group. Rows are outputs, or inputs.
struct Layout {
    std::int64_t groups = 1;
    enum class Rows { Outputs, Inputs } rows = Rows::Outputs;
};

Layout layout_of(const Node& node) {
    using enum Layout::Rows;
    if (node.is("Conv")) return {attrs<ConvAttrs>(node).group, Outputs};
    if (node.is("ConvTranspose")) return {attrs<ConvTransposeAttrs>(node).group, Inputs};
    if (node.is("Gemm")) return {1, attrs<GemmAttrs>(node).b == MatrixOrder::Transposed ? Outputs : Inputs};
    return {1, Inputs};
}

}  // namespace

std::optional<ProductAxes> product_axes(const Node& node) {
    if (node.is("Conv") || node.is("ConvTranspose")) return ProductAxes{1, 1};
    if (node.is("Gemm") && attrs<GemmAttrs>(node).a == MatrixOrder::AsStored) return ProductAxes{1, 1};
    if (!node.is("MatMul") || !node.input(0)->type().has_rank() || !node.output(0)->type().has_rank()) return std::nullopt;
    const ValueType& weight = node.input(1)->type();
    if (!weight.has_rank() || weight.rank() != 2 || node.input(0)->type().rank() < 2) return std::nullopt;
    return ProductAxes{node.input(0)->type().rank() - 1, node.output(0)->type().rank() - 1};
}

std::optional<Tensor> product_weight(const Node& node, const Evaluator& evaluator) {
    const Value* value = node.input(1);
    if (const Tensor* tensor = known_tensor(value))
        return is_float_to_compute_with(tensor->dtype()) ? std::optional(*tensor) : std::nullopt;
    const Node* producer = value ? value->producer() : nullptr;
    if (!producer || !producer->is("DequantizeLinear") || !evaluator) return std::nullopt;
    std::vector<Tensor> inputs;
    for (const Value* input : producer->inputs()) {
        const Tensor* tensor = known_tensor(input);
        if (input && !tensor) return std::nullopt;
        inputs.push_back(tensor ? *tensor : Tensor());
    }
    const auto outputs = evaluator(*producer, inputs);
    return outputs && is_float_to_compute_with((*outputs)[0].dtype()) ? std::optional((*outputs)[0]) : std::nullopt;
}

void for_each_entry(const Node& node, const Tensor& weight, const std::function<void(const ProductEntry&)>& visit) {
    const Layout layout = layout_of(node);
    const std::vector<double> weights = *doubles_of(weight);
    const std::int64_t rows = weight.shape()[0], columns = weight.shape()[1], taps = weight.shape().product(2, weight.shape().rank());
    const std::int64_t rows_of_group = std::max<std::int64_t>(1, rows / std::max<std::int64_t>(1, layout.groups));
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t column = 0; column < columns; ++column) {
            ProductEntry entry = entry_at(weights, (row * columns + column) * taps, taps);
            const std::int64_t other = row / rows_of_group * columns + column;
            entry.output = layout.rows == Layout::Rows::Outputs ? row : other;
            entry.input = layout.rows == Layout::Rows::Outputs ? other : row;
            visit(entry);
        }
}

BorderEffect border_effect(const Node& node) {
    if (node.is("ConvTranspose")) return BorderEffect::Differs;  // outputs see different numbers of taps
    if (!node.is("Conv")) return BorderEffect::None;
    const ValueType& input = node.input(0)->type();
    if (!input.has_rank()) return BorderEffect::Differs;
    const auto pads = fixed_pads(attrs<ConvAttrs>(node).window, input.rank() - 2);
    const bool has_none = pads && std::all_of(pads->begin(), pads->end(), [](std::int64_t pad) { return pad == 0; });
    return has_none ? BorderEffect::None : BorderEffect::Differs;
}

}  // namespace mcompress
