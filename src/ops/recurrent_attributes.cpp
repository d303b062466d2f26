#include "ops/recurrent.h"

namespace mcompress {

namespace {

std::vector<std::string> default_activations(const Node& node) {
    if (node.op_type().ends_with("LSTM")) return {"Sigmoid", "Tanh", "Tanh"};
    if (node.op_type() == "GRU") return {"Sigmoid", "Tanh"};
    return {"Tanh"};
}

}  // namespace

RecurrentAttrs RecurrentAttrs::read(const Node& node) {
    static constexpr std::string_view kDirections[] = {"forward", "reverse", "bidirectional"};
    RecurrentAttrs attrs;
    attrs.hidden_size = int_attribute(node, "hidden_size", 0);
    if (attrs.hidden_size < 0) reject_attribute(node, "hidden_size", format("is {}", attrs.hidden_size));
    attrs.direction = enum_attribute(node, "direction", Direction::Forward, kDirections);
    if (flag_attribute(node, "layout", 0)) attrs.layout = Layout::BatchFirst;
    const auto defaults = default_activations(node);
    attrs.activations = strings_attribute(node, "activations");
    const std::size_t needed = defaults.size() * static_cast<std::size_t>(attrs.directions());
    if (attrs.activations.empty())
        for (int direction = 0; direction < attrs.directions(); ++direction)
            attrs.activations.insert(attrs.activations.end(), defaults.begin(), defaults.end());
    if (attrs.activations.size() != needed)
        reject_attribute(node, "activations", format("lists {} functions, expected {}", attrs.activations.size(), needed));
    attrs.activation_alpha = floats_attribute(node, "activation_alpha");
    attrs.activation_beta = floats_attribute(node, "activation_beta");
    if (has_attribute(node, "clip")) attrs.clip = float_attribute(node, "clip", 0.0F);
    attrs.linear_before_reset = flag_attribute(node, "linear_before_reset", 0);
    attrs.input_forget = flag_attribute(node, "input_forget", 0);
    return attrs;
}

}  // namespace mcompress
