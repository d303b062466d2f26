// Sums of what a quantized product gives and other codes (the residual), computed inside of the product's primitive.
#pragma once

#include <unordered_map>
#include <unordered_set>

#include "engine/onednn/quantized_operators.h"

namespace mcompress::onednn {

struct ResidualSums {
    std::unordered_map<const QuantizedGroup*, const QuantizedGroup*> product_of;  // by sum
    std::unordered_set<const QuantizedGroup*> products;                           // built where their sum is
};

/// Sums whose second operand is a product's result that nothing else reads. Not the first: the formula of sum_codes() rounds its operands' parts
/// in this order, and codes that are one off in a few of 100,000 elements are another result after ten layers (decision 0006).
ResidualSums find_residual_sums(const QuantizedGroups& groups, const std::function<bool(const Value&)>& is_kept);

/// Both groups in one step. Built::No: they run one after the other.
Built build_residual_sum(PlanBuilder& builder, const QuantizedGroup& product, const QuantizedGroup& sum);

}  // namespace mcompress::onednn
