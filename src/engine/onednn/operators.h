// Builders of steps, one an operator family. Each returns whether it could: false means nothing was added and the node runs on a plain kernel.
#pragma once

#include <string_view>

#include "engine/onednn/chains.h"
#include "engine/onednn/plan_builder.h"

namespace mcompress::onednn {

enum class Built { Yes, No };

/// What `build` answers; Built::No as well when oneDNN has no implementation for the combination, which the plain kernel has. oneDNN 2.6 also describes
/// primitives whose code it then cannot generate, which it calls a runtime error (int8 convolutions with 12 channels a group).
template <typename Build> Built attempt(Build&& build) {
    try {
        return build();
    } catch (const dnnl::error& error) {
        if (error.status == dnnl_out_of_memory) throw;
        return Built::No;
    }
}

// Chains, with their first `links` links inside the primitive.
Built build_convolution(PlanBuilder& builder, const Chain& chain, std::size_t links);
/// Of a ConvTranspose without overlapping results.
Built build_patchwise_deconvolution(PlanBuilder& builder, const Chain& chain, std::size_t links);
Built build_gemm(PlanBuilder& builder, const Chain& chain, std::size_t links);
Built build_matmul(PlanBuilder& builder, const Chain& chain, std::size_t links);

// Single nodes.
Built build_pooling(PlanBuilder& builder, const Node& node);
Built build_global_average(PlanBuilder& builder, const Node& node);
Built build_activation(PlanBuilder& builder, const Node& node);
/// BiasGelu and FastGelu.
Built build_biased_activation(PlanBuilder& builder, const Node& node);
Built build_binary(PlanBuilder& builder, const Node& node);
Built build_concat(PlanBuilder& builder, const Node& node);
Built build_softmax(PlanBuilder& builder, const Node& node);
Built build_layer_normalization(PlanBuilder& builder, const Node& node);
/// SkipLayerNormalization: of a sum.
Built build_skip_layer_normalization(PlanBuilder& builder, const Node& node);
Built build_reduction(PlanBuilder& builder, const Node& node);
Built build_resize(PlanBuilder& builder, const Node& node);
Built build_lrn(PlanBuilder& builder, const Node& node);
Built build_batch_normalization(PlanBuilder& builder, const Node& node);
Built build_instance_normalization(PlanBuilder& builder, const Node& node);
Built build_reinterpretation(PlanBuilder& builder, const Node& node);
/// com.microsoft::MatMulNBits with its weights dequantized once, when the plan is compiled.
Built build_nbits_product(PlanBuilder& builder, const Node& node);
/// Identity, Dropout in inference, and a Cast to the type the value has already.
Built build_identity(PlanBuilder& builder, const Node& node);
Built build_transpose(PlanBuilder& builder, const Node& node);
Built build_pad(PlanBuilder& builder, const Node& node);
/// LSTM and GRU with constant weights, over whole sequences.
Built build_recurrent(PlanBuilder& builder, const Node& node);

/// Builds with whatever oneDNN implementation there is; null when there is none for the operator.
using NodeBuilder = Built (*)(PlanBuilder&, const Node&);
NodeBuilder find_node_builder(const Node& node);

/// Bias and post-operations of a chain. The operands beyond source, weights, bias and destination are added to `operands`.
struct ChainOperands {
    const Value* bias = nullptr;          // an Add with a constant behind the head
    const Node* normalization = nullptr;  // a BatchNormalization behind both
    const Value* residual = nullptr;
    std::vector<PostOp> before, after;  // the residual
};
ChainOperands chain_operands(const Chain& chain, std::size_t links);
/// The element-wise operations that a FusedConv applies itself: none for other heads. Nothing when oneDNN lacks the activation.
std::optional<std::vector<EltwisePostOp>> own_activation(const Node& head);
/// "f32" or "bf16", with "(weights dequantized)" where the weights are stored as codes.
std::string chain_precision(const PlanBuilder& builder, const Chain& chain);
/// "Conv+Add+Relu"
std::string chain_label(const Chain& chain, std::size_t links);

}  // namespace mcompress::onednn
