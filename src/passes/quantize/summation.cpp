#include "passes/quantize/summation.h"

#include "ops/attributes.h"
#include "ops/conv.h"
#include "ops/matmul.h"

namespace mcompress {

std::optional<SummationOrder> conv_summation(const Node& node, const Shape& weight) {
    const bool is_depthwise = weight[1] == 1 && weight[0] == attrs<ConvAttrs>(node).group;
    return SummationOrder{.products = is_depthwise ? SummationOrder::Products::Single : SummationOrder::Products::Paired};
}

std::optional<SummationOrder> conv_transpose_summation(const Node& node, const Shape&) {
    if (attrs<ConvTransposeAttrs>(node).group != 1) return std::nullopt;
    return SummationOrder{.channel_axis = 1, .innermost_axis = 0};
}

std::optional<SummationOrder> gemm_summation(const Node& node, const Shape&) {
    const int axis = attrs<GemmAttrs>(node).b == MatrixOrder::Transposed ? 0 : 1;
    return SummationOrder{.channel_axis = axis, .innermost_axis = 1 - axis};
}

std::optional<SummationOrder> matmul_summation(const Node&, const Shape& weight) {
    return SummationOrder{.channel_axis = weight.rank() - 1, .innermost_axis = weight.rank() - 2};
}

}  // namespace mcompress
