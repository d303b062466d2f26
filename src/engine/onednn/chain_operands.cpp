#include "engine/onednn/operators.h"
#include "ops/attributes.h"
#include "ops/microsoft.h"

namespace mcompress::onednn {

std::optional<std::vector<EltwisePostOp>> own_activation(const Node& head) {
    using dnnl::algorithm;
    using Kind = FusedActivation::Kind;
    if (!head.is("com.microsoft", "FusedConv")) return std::vector<EltwisePostOp>{};
    const FusedActivation activation = attrs<FusedConvAttrs>(head).activation;
    switch (activation.kind) {
        case Kind::None: return std::vector<EltwisePostOp>{};
        case Kind::Relu: return std::vector<EltwisePostOp>{{algorithm::eltwise_relu}};
        case Kind::LeakyRelu: return std::vector<EltwisePostOp>{{algorithm::eltwise_relu, activation.alpha}};
        case Kind::Sigmoid: return std::vector<EltwisePostOp>{{algorithm::eltwise_logistic}};
        case Kind::Tanh: return std::vector<EltwisePostOp>{{algorithm::eltwise_tanh}};
        case Kind::Clip: return std::vector<EltwisePostOp>{{algorithm::eltwise_clip, activation.alpha, activation.beta}};
        case Kind::HardSigmoid:
            return std::vector<EltwisePostOp>{{algorithm::eltwise_linear, activation.alpha, activation.beta},
                                              {algorithm::eltwise_clip, 0.0F, 1.0F}};
        default: return std::nullopt;
    }
}

ChainOperands chain_operands(const Chain& chain, std::size_t links) {
    ChainOperands operands;
    const auto own = own_activation(chain.head());
    if (chain.head().is("com.microsoft", "FusedConv")) operands.residual = chain.head().input(3);
    if (own) (operands.residual ? operands.after : operands.before).assign(own->begin(), own->end());
    for (std::size_t at = 0; at < links; ++at) {
        const ChainLink& link = chain.links[at];
        if (link.kind == ChainLink::Kind::Bias) operands.bias = link.other;
        if (link.kind == ChainLink::Kind::Normalization) operands.normalization = link.nodes[0];
        if (link.kind == ChainLink::Kind::Residual) operands.residual = link.other;
        std::vector<PostOp>& post_ops = operands.residual ? operands.after : operands.before;
        for (const EltwisePostOp& operation : link.operations) append(post_ops, operation);
    }
    return operands;
}

std::string chain_precision(const PlanBuilder& builder, const Chain& chain) {
    const Value* weights = chain.head().input(1);
    const bool stored_as_codes = weights && weights->producer() && weights->producer()->is("DequantizeLinear") &&
                                 weights->producer()->input(0) && weights->producer()->input(0)->is_constant();
    const std::string type = builder.float_type() == dnnl::memory::data_type::bf16 ? "bf16" : "f32";
    return stored_as_codes ? type + " (weights dequantized)" : type;
}

std::string chain_label(const Chain& chain, std::size_t links) {
    std::string label;
    for (const Node* node : chain.nodes(links)) label += (label.empty() ? "" : "+") + node->op_type();
    return label;
}

}  // namespace mcompress::onednn
