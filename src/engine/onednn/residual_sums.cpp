#include "engine/onednn/residual_sums.h"

#include "engine/code_operators.h"
#include "engine/onednn/quantized_product.h"

namespace mcompress::onednn {

namespace {

/// Nobody but the sum sees the codes, through a DequantizeLinear or as they are.
bool is_read_by_alone(const Value& codes, const Node& sum, const std::function<bool(const Value&)>& is_kept) {
    const Value* value = &codes;
    for (int hop = 0; hop < 2; ++hop) {
        if (is_kept(*value) || value->uses().size() != 1) return false;
        const Node* reader = value->uses().begin()->node;
        if (reader == &sum) return true;
        if (!reader->is("DequantizeLinear")) return false;
        value = reader->output(0);
    }
    return false;
}

}  // namespace

ResidualSums find_residual_sums(const QuantizedGroups& groups, const std::function<bool(const Value&)>& is_kept) {
    std::unordered_map<const Value*, const QuantizedGroup*> products;
    for (const QuantizedGroup& group : groups.list)
        if (group.kind == QuantizedGroup::Kind::Product && group.output_params) products.emplace(group.output, &group);
    ResidualSums sums;
    for (const QuantizedGroup& group : groups.list) {
        if (group.kind != QuantizedGroup::Kind::Binary || float_operator(*group.main) != "Add") continue;
        const auto product = products.find(group.inputs[1].codes);
        if (product == products.end() || !is_read_by_alone(*group.inputs[1].codes, *group.main, is_kept)) continue;
        sums.product_of.emplace(&group, product->second);
        sums.products.insert(product->second);
    }
    return sums;
}

Built build_residual_sum(PlanBuilder& builder, const QuantizedGroup& product, const QuantizedGroup& sum) {
    const auto is_dense = [&](const QuantizedTensor& tensor) { return builder.is_dense(tensor.codes, tensor.params.dtype); };
    if (!is_dense(product.inputs[0]) || !is_dense(sum.inputs[0]) || !is_dense(sum.inputs[1])) return Built::No;
    if (!builder.is_dense(sum.output, sum.output_params->dtype)) return Built::No;
    const auto plan = plan_quantized_product(builder, product);
    return plan ? build_product_into_sum(builder, product, *plan, sum) : Built::No;
}

}  // namespace mcompress::onednn
