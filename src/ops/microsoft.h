// Attributes of com.microsoft operators: fused ones, attention, weight-only products.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "ops/attributes.h"
#include "ops/conv.h"
#include "ops/matmul.h"
#include "ops/pool.h"
#include "ops/standard_op.h"

namespace mcompress {

/// The activation behind a fused convolution or product. `alpha`, `beta`, `gamma` mean what the operator of that name means by them
/// (Clip: lowest and highest).
struct FusedActivation {
    enum class Kind {
        None,
        Celu,
        Clip,
        Elu,
        Gelu,
        HardSigmoid,
        HardSwish,
        LeakyRelu,
        QuickGelu,
        Relu,
        Selu,
        Sigmoid,
        Softplus,
        Softsign,
        Swish,
        Tanh,
        ThresholdedRelu
    };
    Kind kind = Kind::None;
    float alpha = 0.0F;
    float beta = 0.0F;
    float gamma = 0.0F;

    /// Parameters in a list (`activation_params` of FusedConv).
    static FusedActivation read_listed(const Node& node);
    /// Parameters by name (`activation_alpha` … of FusedGemm and FusedMatMulActivation).
    static FusedActivation read_named(const Node& node);
};

/// Conv, with an optional fourth input that is added, and an activation.
struct FusedConvAttrs {
    ConvAttrs conv;
    FusedActivation activation;
    static FusedConvAttrs read(const Node& node);
};

struct FusedGemmAttrs {
    GemmAttrs gemm;
    FusedActivation activation;
    static FusedGemmAttrs read(const Node& node);
};

/// Where the rows and columns of a batch of matrices lie.
struct MatrixAxes {
    MatrixOrder order = MatrixOrder::AsStored;
    /// Before anything else, axis 0 of the stored tensor moves behind the other batch axes (transBatchA, transBatchB): [M, batch …, K] is then
    /// read as [batch …, M, K].
    enum class First { Batch, Rows };
    First first = First::Batch;

    /// The operand as NumPy's matmul wants it; operands of rank 0 and 1 stay.
    template <typename Sizes> Sizes turned(Sizes sizes) const {
        if (sizes.size() < 2) return sizes;
        if (first == First::Rows) std::rotate(sizes.begin(), sizes.begin() + 1, sizes.end() - 1);
        if (order == MatrixOrder::Transposed) std::swap(sizes[sizes.size() - 1], sizes[sizes.size() - 2]);
        return sizes;
    }
};

/// FusedMatMul, TransposeMatMul, FusedMatMulActivation: alpha A' B'.
struct FusedMatMulAttrs {
    float alpha = 1.0F;
    MatrixAxes a, b;
    FusedActivation activation;
    static FusedMatMulAttrs read(const Node& node);
};

/// QLinearConv, QLinearAveragePool, QLinearGlobalAveragePool, NhwcMaxPool.
ChannelOrder channel_order(const Node& node);

/// B holds N rows of ceil(K / block_size) blocks of `bits`-wide codes, low bits first.
struct MatMulNBitsAttrs {
    std::int64_t inner = 0, columns = 0;  // K, N
    std::int64_t bits = 4;                // 2, 4 or 8
    std::int64_t block_size = 32;         // a power of two, at least 16
    std::int64_t blocks() const { return (inner - 1) / block_size + 1; }
    std::int64_t block_bytes() const { return block_size / 8 * bits; }
    std::int64_t zero_point_bytes() const { return (blocks() * bits - 1) / 8 + 1; }  // of a row
    static MatMulNBitsAttrs read(const Node& node);
};

/// Attention, QAttention, MultiHeadAttention, GroupQueryAttention: what they share and what some of them have.
struct MicrosoftAttentionAttrs {
    enum class Order { All, Causal };
    enum class Rotation { None, Halves, Interleaved };  // rotary embedding of pairs (i, i + n/2) or (2i, 2i + 1)

    std::int64_t heads = 1;
    std::int64_t kv_heads = 1;   // as `heads` except for GroupQueryAttention
    std::optional<float> scale;  // absent: 1 / sqrt(head size)
    float masked = -10000.0F;    // what a masked score gets added (mask_filter_value)
    Order order = Order::All;
    Rotation rotation = Rotation::None;
    std::int64_t rotary_size = 0;            // channels of a head that turn; 0: all, or what the caches hold
    std::vector<std::int64_t> hidden_sizes;  // qkv_hidden_sizes of Attention
    std::int64_t window = -1;                // keys a query sees, its own included; -1: all
    float softcap = 0.0F;                    // 0: none
    bool smooth_softmax = false;             // one more score of 0 in every softmax
    float qk_norm_epsilon = 1e-6F;           // of the RMS normalization of query and key heads
    enum class ScoreOutput { None, BeforeSoftmax, AfterSoftmax };
    ScoreOutput scores = ScoreOutput::None;  // output 3 of GroupQueryAttention
    static MicrosoftAttentionAttrs read(const Node& node);
};

struct MicrosoftRotaryAttrs {
    bool interleaved = false;
    bool packed_batching = false;
    std::int64_t heads = 0;        // 0: head size follows from the caches
    std::int64_t rotary_size = 0;  // 0: the whole head
    float scale = 1.0F;
    static MicrosoftRotaryAttrs read(const Node& node);
};

/// SkipLayerNormalization, SkipSimplifiedLayerNormalization, EmbedLayerNormalization.
struct SkipNormAttrs {
    float epsilon = 1e-12F;
    static SkipNormAttrs read(const Node& node);
};

/// x sigmoid(alpha x).
struct QuickGeluAttrs {
    float alpha = 1.702F;
    static QuickGeluAttrs read(const Node& node);
};

struct BiasSoftmaxAttrs {
    std::int64_t axis = 1;  // softmax over all axes from here on; the bias broadcasts
    static BiasSoftmaxAttrs read(const Node& node);
};

struct CropAndResizeAttrs {
    enum class Mode { Bilinear, Nearest };
    Mode mode = Mode::Bilinear;
    float extrapolation_value = 0.0F;
    static CropAndResizeAttrs read(const Node& node);
};

struct QLinearReduceMeanAttrs {
    std::vector<std::int64_t> axes;  // empty: all
    bool keeps_dims = true;
    static QLinearReduceMeanAttrs read(const Node& node);
};

/// QLinearSoftmax; as SoftmaxAttrs with the opset as an attribute.
struct QLinearSoftmaxAttrs {
    std::int64_t axis = -1;
    bool one_axis = true;  // from opset 13 on; before, the axis and those behind it
    static QLinearSoftmaxAttrs read(const Node& node);
};

}  // namespace mcompress
