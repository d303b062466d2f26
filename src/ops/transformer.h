// Attributes of the operators that transformers are made of: Attention, RotaryEmbedding, TensorScatter.
#pragma once

#include <cstdint>
#include <optional>

#include "ir/node.h"
#include "tensor/dtype.h"

namespace mcompress {

/// Attention of ai.onnx 23 and 24. Q, K, V are [batch, heads, sequence, size], or [batch, sequence, heads · size] with the numbers of heads
/// as attributes; input 3 the mask, 4 and 5 the past keys and values, 6 (from 24) the number of valid keys of every sample.
struct AttentionAttrs {
    enum class Causality { None, Causal };
    /// What output 3 holds: the scaled product, the same after the soft cap, with the mask added, or the probabilities.
    enum class Scores { Product, Capped, Masked, Probabilities };

    std::optional<std::int64_t> q_heads, kv_heads;
    std::optional<float> scale;  // absent: 1 / sqrt(head size)
    float softcap = 0.0F;        // scores become softcap · tanh(score / softcap); 0: they stay
    Causality causality = Causality::None;
    Scores scores = Scores::Product;
    DType softmax_precision = DType::Undefined;  // Undefined: that of the inputs

    static AttentionAttrs read(const Node& node);
};

/// Rotates pairs of numbers of a head by position: neighbours (interleaved) or one of each half.
struct RotaryEmbeddingAttrs {
    enum class Pairs { Halves, Neighbours };

    Pairs pairs = Pairs::Halves;
    std::int64_t rotary_dim = 0;  // 0: the whole head
    std::optional<std::int64_t> heads;

    static RotaryEmbeddingAttrs read(const Node& node);
};

/// Writes input 1 into input 0 along `axis`, from the places of input 2 on.
struct TensorScatterAttrs {
    enum class Mode { Linear, Circular };

    std::int64_t axis = -2;
    Mode mode = Mode::Linear;

    static TensorScatterAttrs read(const Node& node);
};

}  // namespace mcompress
