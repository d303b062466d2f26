// Reading the attributes of Attention, RotaryEmbedding and TensorScatter.
#include "ops/attributes.h"
#include "ops/transformer.h"

namespace mcompress {

namespace {

std::optional<std::int64_t> heads_attribute(const Node& node, std::string_view name) {
    if (!has_attribute(node, name)) return std::nullopt;
    const std::int64_t heads = int_attribute(node, name, 0);
    if (heads < 0) reject_attribute(node, name, format("is {}", heads));
    if (heads == 0) return std::nullopt;  // how exporters write "not given"
    return heads;
}

}  // namespace

AttentionAttrs AttentionAttrs::read(const Node& node) {
    AttentionAttrs attrs;
    attrs.q_heads = heads_attribute(node, "q_num_heads");
    attrs.kv_heads = heads_attribute(node, "kv_num_heads");
    if (has_attribute(node, "scale")) attrs.scale = float_attribute(node, "scale", 1.0F);
    attrs.softcap = float_attribute(node, "softcap", 0.0F);
    if (flag_attribute(node, "is_causal", 0)) attrs.causality = Causality::Causal;
    const std::int64_t mode = int_attribute(node, "qk_matmul_output_mode", 0);
    if (mode < 0 || mode > 3) reject_attribute(node, "qk_matmul_output_mode", format("is {}, expected 0 to 3", mode));
    attrs.scores = static_cast<Scores>(mode);
    const std::int64_t number = int_attribute(node, "softmax_precision", 0);
    const bool is_known = number == 0 || (number > 0 && number < 256 && is_known_dtype(static_cast<int>(number)));
    if (!is_known || (number != 0 && (!is_float(static_cast<DType>(number)) || dtype_bits(static_cast<DType>(number)) < 16)))
        reject_attribute(node, "softmax_precision", format("is {}, which is no floating-point type", number));
    attrs.softmax_precision = static_cast<DType>(number);
    return attrs;
}

RotaryEmbeddingAttrs RotaryEmbeddingAttrs::read(const Node& node) {
    RotaryEmbeddingAttrs attrs;
    if (flag_attribute(node, "interleaved", 0)) attrs.pairs = Pairs::Neighbours;
    attrs.rotary_dim = int_attribute(node, "rotary_embedding_dim", 0);
    if (attrs.rotary_dim < 0 || attrs.rotary_dim % 2 != 0)
        reject_attribute(node, "rotary_embedding_dim", format("is {}, expected an even number", attrs.rotary_dim));
    attrs.heads = heads_attribute(node, "num_heads");
    return attrs;
}

TensorScatterAttrs TensorScatterAttrs::read(const Node& node) {
    static constexpr std::string_view kModes[] = {"linear", "circular"};
    return {int_attribute(node, "axis", -2), enum_attribute(node, "mode", Mode::Linear, kModes)};
}

}  // namespace mcompress
