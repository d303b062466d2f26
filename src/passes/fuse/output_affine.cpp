#include "passes/fuse/output_affine.h"

#include <algorithm>
#include <cmath>

#include "ops/attributes.h"
#include "ops/conv.h"
#include "ops/matmul.h"
#include "passes/rewriter.h"
#include "support/check.h"

namespace mcompress {

namespace {

constexpr int kWeight = 1;
constexpr int kBias = 2;

// Where the weights of one output channel lie: element i belongs to channel channel_of(i).
class WeightLayout {
public:
    explicit WeightLayout(const Node& node) : shape_(known_tensor(node.input(kWeight))->shape()) {
        if (node.is("Gemm")) {
            const bool transposed = attrs<GemmAttrs>(node).b == MatrixOrder::Transposed;
            channels_ = shape_[transposed ? 0 : 1];
            inner_ = transposed ? shape_[1] : 1;
        } else if (node.is("ConvTranspose")) {  // [C, M / group, …]
            group_ = attrs<ConvTransposeAttrs>(node).group;
            channels_ = shape_[1] * group_;
            inner_ = shape_.product(2, shape_.rank());
            rows_per_group_ = std::max<std::int64_t>(1, shape_[0] / group_);
        } else {
            channels_ = shape_[0];
            inner_ = shape_.product(1, shape_.rank());
        }
    }

    std::int64_t channels() const { return channels_; }

    std::size_t channel_of(std::int64_t element) const {
        const std::int64_t per_group = channels_ / group_;
        const std::int64_t column = element / inner_ % per_group;
        const std::int64_t row = element / (inner_ * per_group);
        return static_cast<std::size_t>(group_ == 1 ? column : row / rows_per_group_ * per_group + column);
    }

private:
    Shape shape_;
    std::int64_t channels_ = 0;
    std::int64_t inner_ = 1;
    std::int64_t group_ = 1;
    std::int64_t rows_per_group_ = 1;
};

// The bias as one double a channel; beta of a Gemm is applied.
std::vector<double> bias_of(const Node& node, std::int64_t channels) {
    std::vector<double> bias(static_cast<std::size_t>(channels), 0.0);
    const Tensor* tensor = known_tensor(node.input(kBias));
    if (!tensor) return bias;
    const double beta = node.is("Gemm") ? attrs<GemmAttrs>(node).beta : 1.0;
    const auto values = tensor->values<float>();
    for (std::size_t c = 0; c < bias.size(); ++c) bias[c] = beta * static_cast<double>(values[values.size() == 1 ? 0 : c]);
    return bias;
}

// A Gemm's C is added to every row when it is [N], [1, N] or one number; a column or a matrix is another thing.
bool is_row(const Tensor& bias, std::int64_t channels) {
    if (bias.element_count() == 1) return true;
    return bias.element_count() == channels && bias.shape().rank() >= 1 && bias.shape()[bias.shape().rank() - 1] == channels;
}

std::string name_of(const Node& node, const char* what) { return node.output(0)->name() + "_" + what; }

}  // namespace

bool is_linear(const Node& node) { return (node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm")) && node.input(kWeight) && node.output(0); }

std::optional<std::int64_t> linear_channels(const Node& node) {
    const Tensor* weight = is_linear(node) ? known_tensor(node.input(kWeight)) : nullptr;
    if (!weight || weight->dtype() != DType::Float32 || weight->shape().rank() < 2 || weight->element_count() == 0) return std::nullopt;
    return WeightLayout(node).channels();
}

std::string why_not_absorb(const Node& node) {
    const Tensor* weight = known_tensor(node.input(kWeight));
    if (!weight) return format("the weight of '{}' is not a constant", node.display_name());
    if (weight->dtype() != DType::Float32) return format("the weight of '{}' is {}", node.display_name(), dtype_name(weight->dtype()));
    const auto channels = linear_channels(node);
    if (!channels) return format("the weight of '{}' has shape {}", node.display_name(), weight->shape().to_string());
    if (!node.input(kBias)) return {};
    const Tensor* bias = known_tensor(node.input(kBias));
    if (!bias) return format("the bias of '{}' is not a constant", node.display_name());
    if (bias->dtype() != DType::Float32) return format("the bias of '{}' is {}", node.display_name(), dtype_name(bias->dtype()));
    if (!is_row(*bias, *channels)) return format("the bias of '{}' has shape {}", node.display_name(), bias->shape().to_string());
    return {};
}

bool absorb(Node* node, const ChannelAffine& affine) {
    const WeightLayout layout(*node);
    MCOMPRESS_CHECK(static_cast<std::int64_t>(affine.scale.size()) == layout.channels() && affine.shift.size() == affine.scale.size());
    std::vector<double> bias = bias_of(*node, layout.channels());
    bool needs_bias = node->input(kBias) != nullptr;
    for (std::size_t c = 0; c < bias.size(); ++c) {
        bias[c] = affine.scale[c] * bias[c] + affine.shift[c];
        needs_bias = needs_bias || bias[c] != 0.0;
    }
    Tensor weight = *known_tensor(node->input(kWeight));
    float* w = weight.mutable_data<float>();
    for (std::int64_t i = 0; i < weight.element_count(); ++i) {
        w[i] = static_cast<float>(static_cast<double>(w[i]) * affine.scale[layout.channel_of(i)]);
        if (!std::isfinite(w[i])) return false;
    }
    std::vector<float> rounded(bias.begin(), bias.end());
    if (!std::all_of(rounded.begin(), rounded.end(), [](float value) { return std::isfinite(value); })) return false;
    const bool scales = std::any_of(affine.scale.begin(), affine.scale.end(), [](double scale) { return scale != 1.0; });
    if (scales) put_constant(node, kWeight, std::move(weight), name_of(*node, "weight"));
    if (!needs_bias) return true;
    put_constant(node, kBias, Tensor::from_values(Shape{layout.channels()}, rounded), name_of(*node, "bias"));
    if (node->is("Gemm")) node->graph().erase_attribute(node, "beta");
    return true;
}

}  // namespace mcompress
