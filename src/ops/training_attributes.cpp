#include "ops/training.h"

namespace mcompress {

LossAttrs LossAttrs::read(const Node& node) {
    static constexpr std::string_view kReductions[] = {"none", "sum", "mean"};
    LossAttrs attrs;
    attrs.reduction = enum_attribute(node, "reduction", Reduction::Mean, kReductions);
    if (has_attribute(node, "ignore_index")) attrs.ignore_index = int_attribute(node, "ignore_index", 0);
    return attrs;
}

AdagradAttrs AdagradAttrs::read(const Node& node) {
    return {float_attribute(node, "decay_factor", 0.0F), float_attribute(node, "epsilon", 1e-6F),
            float_attribute(node, "norm_coefficient", 0.0F)};
}

AdamAttrs AdamAttrs::read(const Node& node) {
    return {float_attribute(node, "alpha", 0.9F), float_attribute(node, "beta", 0.999F), float_attribute(node, "epsilon", 1e-6F),
            float_attribute(node, "norm_coefficient", 0.0F), float_attribute(node, "norm_coefficient_post", 0.0F)};
}

MomentumAttrs MomentumAttrs::read(const Node& node) {
    static constexpr std::string_view kModes[] = {"standard", "nesterov"};
    for (const std::string_view name : {"mode", "alpha", "beta", "norm_coefficient"})
        if (!has_attribute(node, name)) reject_attribute(node, name, "is missing");
    return {enum_attribute(node, "mode", Mode::Standard, kModes), float_attribute(node, "alpha", 0.0F), float_attribute(node, "beta", 0.0F),
            float_attribute(node, "norm_coefficient", 0.0F)};
}

}  // namespace mcompress
