#include <algorithm>

#include "ops/attributes.h"
#include "ops/normalization.h"

namespace mcompress {

BatchNormAttrs BatchNormAttrs::read(const Node& node) {
    BatchNormAttrs attrs;
    attrs.epsilon = float_attribute(node, "epsilon", 1e-5F);
    attrs.momentum = float_attribute(node, "momentum", 0.9F);
    if (!flag_attribute(node, "spatial", 1)) attrs.statistics = Statistics::PerElement;
    // Until opset 13 what is returned tells the mode: statistics are outputs of training only.
    const auto used = std::count_if(node.outputs().begin(), node.outputs().end(), [](const Value* value) { return value != nullptr; });
    const bool trains = node.opset_version() >= 14 ? flag_attribute(node, "training_mode", 0) : used > 1;
    if (trains) attrs.mode = Mode::Training;
    return attrs;
}

InstanceNormAttrs InstanceNormAttrs::read(const Node& node) { return {float_attribute(node, "epsilon", 1e-5F)}; }

LayerNormAttrs LayerNormAttrs::read(const Node& node) {
    return {int_attribute(node, "axis", -1), float_attribute(node, "epsilon", 1e-5F), int_attribute(node, "stash_type", 1)};
}

GroupNormAttrs GroupNormAttrs::read(const Node& node) {
    GroupNormAttrs attrs;
    attrs.num_groups = required_int_attribute(node, "num_groups");
    if (attrs.num_groups < 1) reject_attribute(node, "num_groups", format("is {}, expected at least 1", attrs.num_groups));
    attrs.epsilon = float_attribute(node, "epsilon", 1e-5F);
    if (node.opset_version() < 21) attrs.parameters = Parameters::PerGroup;
    return attrs;
}

LrnAttrs LrnAttrs::read(const Node& node) {
    LrnAttrs attrs;
    attrs.size = required_int_attribute(node, "size");
    if (attrs.size < 1) reject_attribute(node, "size", format("is {}, expected at least 1", attrs.size));
    attrs.alpha = float_attribute(node, "alpha", 1e-4F);
    attrs.beta = float_attribute(node, "beta", 0.75F);
    attrs.bias = float_attribute(node, "bias", 1.0F);
    return attrs;
}

LpNormAttrs LpNormAttrs::read(const Node& node) {
    LpNormAttrs attrs{int_attribute(node, "axis", -1), int_attribute(node, "p", 2)};
    if (attrs.p != 1 && attrs.p != 2) reject_attribute(node, "p", format("is {}, expected 1 or 2", attrs.p));
    return attrs;
}

MeanVarianceNormAttrs MeanVarianceNormAttrs::read(const Node& node) {
    MeanVarianceNormAttrs attrs;
    attrs.axes = ints_attribute(node, "axes", attrs.axes);
    return attrs;
}

}  // namespace mcompress
