#include "passes/quantize/weight_only_targets.h"

#include "ir/qualified_name.h"
#include "ops/attributes.h"
#include "passes/quantize/quantization_plan.h"
#include "passes/rewriter.h"
#include "quant/block_codes.h"

namespace mcompress {
namespace {

MatrixOrder order_of(const Node& node) { return node.is("Gemm") ? attrs<GemmAttrs>(node).b : MatrixOrder::AsStored; }

std::string_view refuse_node(const Node& node) {
    if (!node.is("MatMul") && !node.is("Gemm")) return "blocks of codes are for products with a matrix";
    const Tensor* weight = known_tensor(node.input(1));
    if (!weight || weight->dtype() != DType::Float32) return "its weight is not a constant of float32";
    if (weight->shape().rank() != 2) return "its weight is a stack of matrices";
    const ValueType& type = node.input(0)->type();
    if (type.is_tensor() && type.dtype != DType::Float32) return "its activation is not float32";
    if (type.has_rank() && type.rank() < 2) return "its activation is a vector";
    if (!node.is("Gemm")) return {};
    const GemmAttrs gemm = attrs<GemmAttrs>(node);
    if (gemm.a == MatrixOrder::Transposed) return "its first operand is transposed";
    if (gemm.alpha != 1.0F) return "its alpha is not 1";
    if (gemm.beta != 1.0F && node.input(2)) return "its beta is not 1";
    return {};
}

/// Small matrices are mostly padding and scales.
std::string_view refuse_size(const WeightTarget& target, const BlockGrid& grid) {
    const BlockCodes empty{target.columns(), target.inner(), grid, {}, {}};
    return 2 * empty.bytes() > 4 * target.columns() * target.inner() ? "its codes would not be half as large" : std::string_view{};
}

}  // namespace

std::int64_t WeightTarget::columns() const { return known_tensor(weight)->shape()[order == MatrixOrder::Transposed ? 0 : 1]; }
std::int64_t WeightTarget::inner() const { return known_tensor(weight)->shape()[order == MatrixOrder::Transposed ? 1 : 0]; }

std::vector<float> WeightTarget::matrix() const {
    const std::span<const float> values = known_tensor(weight)->values<float>();
    if (order == MatrixOrder::Transposed) return {values.begin(), values.end()};
    const std::int64_t rows = inner(), width = columns();
    std::vector<float> result(values.size());
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t column = 0; column < width; ++column)
            result[static_cast<std::size_t>(column * rows + row)] = values[static_cast<std::size_t>(row * width + column)];
    return result;
}

std::string WeightTarget::key() const { return qualified_name(*weight) + (order == MatrixOrder::Transposed ? " transposed" : ""); }

std::vector<WeightTarget> weight_only_targets(const Graph& graph, const QuantizationScheme& scheme, std::vector<Skip>* skipped) {
    QuantizationScheme weights_only = scheme;
    weights_only.activations = ActivationMode::Float;
    const QuantizationPlan plan = plan_quantization(graph, weights_only);
    if (skipped) skipped->insert(skipped->end(), plan.skipped.begin(), plan.skipped.end());
    const BlockGrid grid = BlockGrid::of(scheme.weight_only);
    std::vector<WeightTarget> targets;
    for_each_node(const_cast<Graph&>(graph), [&](Node& node) {
        const auto unit = plan.units.find(&node);
        if (unit == plan.units.end() || unit->second->role != QuantizedRole::Compute) return;
        std::string_view reason = refuse_node(node);
        if (reason.empty()) {
            targets.push_back({&node, node.input(1), order_of(node)});
            reason = refuse_size(targets.back(), grid);
            if (reason.empty()) return;
            targets.pop_back();
        }
        if (skipped) skipped->push_back(skip(node, std::string(reason)));
    });
    return targets;
}

}  // namespace mcompress
