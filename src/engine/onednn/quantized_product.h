// What a quantized Conv, Gemm or MatMul computes, in integers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/onednn/int8_product.h"
#include "engine/onednn/quantized_operators.h"
#include "ops/window.h"

namespace mcompress::onednn {

struct ProductPlan {
    IntegerConvolution convolution;
    int output_axis = 0;       // of the stored weights: 1 for a [K, M]
    std::int64_t repeats = 1;  // of every channel of the source, which `convolution` and `source` have already
    Window window;             // of a convolution
    Shape weight_shape;        // [M, C / group, kernel …]
    Desc source, destination;  // layouts

    std::string precision() const;  // "u8s8→u8"
};

/// Nothing when the group cannot be expressed in integers.
std::optional<ProductPlan> plan_quantized_product(const PlanBuilder& builder, const QuantizedGroup& group);

/// The codes of the group's source as the plan wants them.
BufferId product_source(PlanBuilder& builder, const QuantizedGroup& group, const ProductPlan& plan);

/// The weights as [M, C / group, kernel …] with their zero points subtracted; a stored [K, M] is transposed.
std::vector<std::int16_t> widened_weights(const QuantizedWeights& weights, int output_axis);

/// [M, C / group, kernel …] with the groups as an axis of their own.
Shape grouped_shape(const Shape& weights, std::int64_t groups);

/// Weights as the signed bytes oneDNN takes, and where M lies in them.
struct SignedWeights {
    Tensor codes;
    int output_axis = 0;
};
/// The stored codes where they are such bytes already, else a copy of shape `by_output`, M outermost; nothing when they do not fit.
std::optional<SignedWeights> signed_weights(const QuantizedWeights& weights, int output_axis, const Shape& by_output);

/// Whether the processor adds products of bytes exactly (AVX512-VNNI), so that oneDNN's integer kernels are right.
bool has_byte_products();

/// oneDNN's integer convolution or matrix product.
Built build_integer_primitive(PlanBuilder& builder, const QuantizedGroup& group, const ProductPlan& plan);
/// The product of codes with the sum of its codes and others (`sum`, whose second operand they are) inside of the primitive, code by code what
/// sum_codes() makes of them. The others' memory becomes the result's: Built::No where it is still needed, and for activations behind the sum
/// that the type of its codes does not express.
Built build_product_into_sum(PlanBuilder& builder, const QuantizedGroup& group, const ProductPlan& plan, const QuantizedGroup& sum);
/// A product whose result stays float, with the first `links` (at least one) links of the chain behind it, by one primitive. Needs
/// has_byte_products().
Built build_quantized_chain(PlanBuilder& builder, const QuantizedGroup& group, const ProductPlan& plan, const Chain& chain,
                            std::size_t links);

}  // namespace mcompress::onednn
