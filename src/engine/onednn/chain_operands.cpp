#include "engine/onednn/operators.h"

namespace mcompress::onednn {

ChainOperands chain_operands(const Chain& chain, std::size_t links) {
    ChainOperands operands;
    for (std::size_t at = 0; at < links; ++at) {
        const ChainLink& link = chain.links[at];
        if (link.kind == ChainLink::Kind::Bias) operands.bias = link.other;
        if (link.kind == ChainLink::Kind::Residual) operands.residual = link.other;
        std::vector<PostOp>& post_ops = operands.residual ? operands.after : operands.before;
        post_ops.insert(post_ops.end(), link.operations.begin(), link.operations.end());
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
