#include <limits>

#include "ops/microsoft.h"

namespace mcompress {

namespace {

struct ActivationDefaults {
    std::string_view name;
    float alpha = 0.0F, beta = 0.0F, gamma = 0.0F;
};

// In the order of FusedActivation::Kind, without None.
constexpr ActivationDefaults kActivations[] = {
    {"Celu", 1.0F},
    {"Clip", -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity()},
    {"Elu", 1.0F},
    {"Gelu"},
    {"HardSigmoid", 0.2F, 0.5F},
    {"HardSwish"},
    {"LeakyRelu", 0.01F},
    {"QuickGelu", 1.702F},
    {"Relu"},
    {"Selu", 1.67326319217681884765625F, 0.0F, 1.05070102214813232421875F},
    {"Sigmoid"},
    {"Softplus"},
    {"Softsign"},
    {"Swish", 1.0F},
    {"Tanh"},
    {"ThresholdedRelu", 1.0F},
};

FusedActivation read_activation(const Node& node) {
    const std::string name = string_attribute(node, "activation", {});
    if (name.empty()) return {};
    for (std::size_t index = 0; index < std::size(kActivations); ++index)
        if (name == kActivations[index].name)
            return {static_cast<FusedActivation::Kind>(index + 1), kActivations[index].alpha, kActivations[index].beta,
                    kActivations[index].gamma};
    reject_attribute(node, "activation", "has the unknown value '" + name + "'");
}

MatrixAxes read_axes(const Node& node, std::string_view order, std::string_view batch) {
    MatrixAxes axes;
    if (flag_attribute(node, order, 0)) axes.order = MatrixOrder::Transposed;
    if (flag_attribute(node, batch, 0)) axes.first = MatrixAxes::First::Rows;
    return axes;
}

std::int64_t positive_attribute(const Node& node, std::string_view name, std::int64_t largest) {
    const std::int64_t value = required_int_attribute(node, name);
    if (value < 1 || value > largest) reject_attribute(node, name, format("is {}, expected 1 to {}", value, largest));
    return value;
}

constexpr std::int64_t kLargestExtent = std::int64_t{1} << 40;
constexpr std::int64_t kMostHeads = std::int64_t{1} << 20;

}  // namespace

FusedActivation FusedActivation::read_listed(const Node& node) {
    FusedActivation activation = read_activation(node);
    const auto given = floats_attribute(node, "activation_params");
    if (given.size() > 2) reject_attribute(node, "activation_params", format("has {} entries, expected at most 2", given.size()));
    if (!given.empty()) activation.alpha = given[0];
    if (given.size() > 1) activation.beta = given[1];
    return activation;
}

FusedActivation FusedActivation::read_named(const Node& node) {
    FusedActivation activation = read_activation(node);
    activation.alpha = float_attribute(node, "activation_alpha", activation.alpha);
    activation.beta = float_attribute(node, "activation_beta", activation.beta);
    activation.gamma = float_attribute(node, "activation_gamma", activation.gamma);
    return activation;
}

FusedConvAttrs FusedConvAttrs::read(const Node& node) { return {ConvAttrs::read(node), FusedActivation::read_listed(node)}; }

FusedGemmAttrs FusedGemmAttrs::read(const Node& node) { return {GemmAttrs::read(node), FusedActivation::read_named(node)}; }

FusedMatMulAttrs FusedMatMulAttrs::read(const Node& node) {
    return {float_attribute(node, "alpha", 1.0F), read_axes(node, "transA", "transBatchA"), read_axes(node, "transB", "transBatchB"),
            FusedActivation::read_named(node)};
}

ChannelOrder channel_order(const Node& node) {
    const bool is_last = node.op_type().starts_with("Nhwc") || flag_attribute(node, "channels_last", 0);
    return is_last ? ChannelOrder::Last : ChannelOrder::First;
}

MatMulNBitsAttrs MatMulNBitsAttrs::read(const Node& node) {
    MatMulNBitsAttrs attrs;
    attrs.inner = positive_attribute(node, "K", kLargestExtent);
    attrs.columns = positive_attribute(node, "N", kLargestExtent);
    attrs.bits = int_attribute(node, "bits", 4);
    attrs.block_size = positive_attribute(node, "block_size", std::int64_t{1} << 30);
    if (attrs.bits != 2 && attrs.bits != 4 && attrs.bits != 8)
        reject_attribute(node, "bits", format("is {}, expected 2, 4 or 8", attrs.bits));
    if (attrs.block_size < 16 || (attrs.block_size & (attrs.block_size - 1)) != 0)
        reject_attribute(node, "block_size", format("is {}, expected a power of two from 16 on", attrs.block_size));
    if (int_attribute(node, "weight_prepacked", 0) != 0) reject_attribute(node, "weight_prepacked", "asks for the layout of one device");
    return attrs;
}

MicrosoftAttentionAttrs MicrosoftAttentionAttrs::read(const Node& node) {
    MicrosoftAttentionAttrs attrs;
    const bool is_grouped = node.op_type() == "GroupQueryAttention";
    attrs.heads = positive_attribute(node, "num_heads", kMostHeads);
    attrs.kv_heads = is_grouped ? positive_attribute(node, "kv_num_heads", kMostHeads) : attrs.heads;
    if (attrs.heads % attrs.kv_heads != 0)
        reject_attribute(node, "kv_num_heads", format("is {}, which does not divide {} heads", attrs.kv_heads, attrs.heads));
    if (const float scale = float_attribute(node, "scale", 0.0F); scale != 0.0F) attrs.scale = scale;
    attrs.masked = float_attribute(node, "mask_filter_value", -10000.0F);
    if (is_grouped ? flag_attribute(node, "causal", 1) : flag_attribute(node, "unidirectional", 0)) attrs.order = Order::Causal;
    if (flag_attribute(node, "do_rotary", 0))
        attrs.rotation = flag_attribute(node, "rotary_interleaved", 0) ? Rotation::Interleaved : Rotation::Halves;
    attrs.rotary_size = int_attribute(node, "rotary_embedding_dim", 0);
    if (attrs.rotary_size < 0 || attrs.rotary_size % 2 != 0)
        reject_attribute(node, "rotary_embedding_dim", format("is {}, expected an even number", attrs.rotary_size));
    attrs.hidden_sizes = ints_attribute(node, "qkv_hidden_sizes");
    if (!attrs.hidden_sizes.empty() && attrs.hidden_sizes.size() != 3)
        reject_attribute(node, "qkv_hidden_sizes", format("has {} entries, expected 3", attrs.hidden_sizes.size()));
    for (const std::int64_t size : attrs.hidden_sizes)
        if (size < 1 || size > kLargestExtent || size % attrs.heads != 0)
            reject_attribute(node, "qkv_hidden_sizes", format("holds {}, which {} heads do not divide", size, attrs.heads));
    attrs.window = int_attribute(node, "local_window_size", -1);
    attrs.softcap = float_attribute(node, "softcap", 0.0F);
    attrs.smooth_softmax = int_attribute(node, "smooth_softmax", 0) == 1;
    attrs.qk_norm_epsilon = float_attribute(node, "qk_norm_epsilon", 1e-6F);
    const std::int64_t scores = int_attribute(node, "qk_output", 0);
    if (scores < 0 || scores > 2) reject_attribute(node, "qk_output", format("is {}, expected 0 to 2", scores));
    attrs.scores = static_cast<ScoreOutput>(scores);
    if (flag_attribute(node, "past_present_share_buffer", 0))
        reject_attribute(node, "past_present_share_buffer", "is set: a buffer that is input and output at once has no meaning in a graph");
    if (flag_attribute(node, "sliding_window_cache", 0)) reject_attribute(node, "sliding_window_cache", "is set, which is not supported");
    for (const std::string_view name : {"k_quant_type", "v_quant_type"})
        if (string_attribute(node, name, "NONE") != "NONE")
            reject_attribute(node, name, "asks for a quantized cache, which is not supported");
    return attrs;
}

MicrosoftRotaryAttrs MicrosoftRotaryAttrs::read(const Node& node) {
    MicrosoftRotaryAttrs attrs;
    attrs.interleaved = flag_attribute(node, "interleaved", 0);
    attrs.packed_batching = flag_attribute(node, "is_packed_batching", 0);
    attrs.heads = int_attribute(node, "num_heads", 0);
    attrs.rotary_size = int_attribute(node, "rotary_embedding_dim", 0);
    attrs.scale = float_attribute(node, "scale", 1.0F);
    if (attrs.heads < 0 || attrs.heads > kMostHeads) reject_attribute(node, "num_heads", format("is {}", attrs.heads));
    if (attrs.rotary_size < 0 || attrs.rotary_size % 2 != 0)
        reject_attribute(node, "rotary_embedding_dim", format("is {}, expected an even number", attrs.rotary_size));
    return attrs;
}

SkipNormAttrs SkipNormAttrs::read(const Node& node) { return {float_attribute(node, "epsilon", 1e-12F)}; }

QuickGeluAttrs QuickGeluAttrs::read(const Node& node) { return {float_attribute(node, "alpha", 1.702F)}; }

BiasSoftmaxAttrs BiasSoftmaxAttrs::read(const Node& node) {
    (void)flag_attribute(node, "is_inner_broadcast", 1);  // follows from the shapes
    return {int_attribute(node, "axis", 1)};
}

CropAndResizeAttrs CropAndResizeAttrs::read(const Node& node) {
    static constexpr std::string_view kModes[] = {"bilinear", "nearest"};
    return {enum_attribute(node, "mode", Mode::Bilinear, kModes), float_attribute(node, "extrapolation_value", 0.0F)};
}

QLinearReduceMeanAttrs QLinearReduceMeanAttrs::read(const Node& node) {
    return {ints_attribute(node, "axes"), flag_attribute(node, "keepdims", 1)};
}

QLinearSoftmaxAttrs QLinearSoftmaxAttrs::read(const Node& node) {
    QLinearSoftmaxAttrs attrs;
    attrs.one_axis = required_int_attribute(node, "opset") >= 13;
    attrs.axis = int_attribute(node, "axis", attrs.one_axis ? -1 : 1);
    return attrs;
}

}  // namespace mcompress
