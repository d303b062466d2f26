#include "passes/fuse/linear_node.h"

#include <algorithm>

#include "ops/conv.h"
#include "ops/matmul.h"
#include "passes/constant_values.h"
#include "passes/rewriter.h"

namespace mcompress {

namespace {

const Tensor& weights_of(const Node& node) { return *known_tensor(node.input(1)); }

bool is_transposed_gemm(const Node& node) { return node.is("Gemm") && attrs<GemmAttrs>(node).b == MatrixOrder::Transposed; }

/// For elements in row-major order: axes before `axis` × the axis × axes behind it.
void scale_along(std::vector<double>& values, const Shape& shape, int axis, std::span<const double> scale) {
    const auto inner = static_cast<std::size_t>(shape.product(axis + 1, shape.rank()));
    const auto extent = static_cast<std::size_t>(shape[axis]);
    for (std::size_t at = 0; at < values.size(); ++at) values[at] *= scale[at / inner % extent];
}

/// ConvTranspose: the output channel of weight [c, j, …] is j counted within the group of c.
void scale_groups(std::vector<double>& values, const Shape& shape, std::int64_t groups, std::span<const double> scale) {
    const auto inner = static_cast<std::size_t>(shape.product(2, shape.rank()));
    const auto group_outputs = static_cast<std::size_t>(shape[1]);
    const auto group_inputs = static_cast<std::size_t>(shape[0] / groups);
    for (std::size_t at = 0; at < values.size(); ++at) {
        const std::size_t group = at / (inner * group_outputs) / group_inputs;
        values[at] *= scale[group * group_outputs + at / inner % group_outputs];
    }
}

std::vector<double> scaled_weights(const Node& node, std::span<const double> scale) {
    const Tensor& weights = weights_of(node);
    std::vector<double> values = *doubles_of(weights);
    if (node.is("Conv")) scale_along(values, weights.shape(), 0, scale);
    else if (node.is("ConvTranspose")) scale_groups(values, weights.shape(), attrs<ConvTransposeAttrs>(node).group, scale);
    else scale_along(values, weights.shape(), is_transposed_gemm(node) ? 0 : 1, scale);
    return values;
}

struct Bias {
    Shape shape;
    std::vector<double> values;
};

/// The bias behind the affine map. A Gemm's may have rows of its own: its shape is kept and its last axis spread over the channels.
Bias mapped_bias(const Node& node, const ChannelAffine& affine) {
    const auto channels = static_cast<std::int64_t>(affine.scale.size());
    const Tensor* old = known_tensor(node.input(2));
    if (!old) return {Shape{channels}, affine.shift};
    const double beta = node.is("Gemm") ? static_cast<double>(attrs<GemmAttrs>(node).beta) : 1.0;
    std::vector<std::int64_t> shape = old->shape().dims();
    if (shape.empty()) shape.push_back(1);
    const bool is_spread = shape.back() == channels;
    const std::vector<double> values = *doubles_of(*old);
    const std::size_t rows = values.size() / static_cast<std::size_t>(shape.back());
    shape.back() = channels;
    Bias bias{Shape(std::move(shape)), {}};
    for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t c = 0; c < affine.scale.size(); ++c)
            bias.values.push_back(beta * values[is_spread ? row * affine.scale.size() + c : row] * affine.scale[c] + affine.shift[c]);
    return bias;
}

bool are_all(const std::vector<double>& values, double wanted) {
    return std::all_of(values.begin(), values.end(), [&](double value) { return value == wanted; });
}

/// Inference has seen to both where it knows the shape of the input; here the weights alone must do.
bool has_channels(const Node& node) {
    const Shape& shape = weights_of(node).shape();
    if (node.is("Gemm")) return shape.rank() == 2;
    if (node.is("Conv")) return shape.rank() >= 3;
    const std::int64_t groups = attrs<ConvTransposeAttrs>(node).group;
    return shape.rank() >= 3 && groups > 0 && shape[0] % groups == 0;
}

bool fits_channels(const Tensor& bias, const Node& node) {
    const Shape& shape = bias.shape();
    const std::int64_t channels = output_channels(node);
    if (!node.is("Gemm")) return shape == Shape{channels};
    return shape.rank() <= 2 && (shape.rank() == 0 || shape[shape.rank() - 1] == 1 || shape[shape.rank() - 1] == channels);
}

std::string name_beside(const Node& node, const char* role) { return node.display_name() + "_" + role; }

}  // namespace

bool is_linear_node(const Node& node) { return node.is("Conv") || node.is("ConvTranspose") || node.is("Gemm"); }

std::string why_not_constant_weights(const Node& node) {
    const auto problem = [&](int index, const char* role) -> std::string {
        const Tensor* tensor = known_tensor(node.input(index));
        if (!tensor) return format("the {} of '{}' is not a constant", role, node.display_name());
        if (!is_float_to_compute_with(tensor->dtype()))
            return format("the {} of '{}' is of type {}", role, node.display_name(), dtype_name(tensor->dtype()));
        if (tensor->element_count() == 0) return format("the {} of '{}' is empty", role, node.display_name());
        return {};
    };
    if (std::string text = problem(1, "weight"); !text.empty()) return text;
    if (!has_channels(node)) return format("the weight of '{}' does not fit its operator", node.display_name());
    if (!node.input(2)) return {};
    if (std::string text = problem(2, "bias"); !text.empty()) return text;
    return fits_channels(*known_tensor(node.input(2)), node) ? ""
                                                             : format("the bias of '{}' does not fit its channels", node.display_name());
}

std::int64_t output_channels(const Node& node) {
    const Shape& shape = weights_of(node).shape();
    if (node.is("ConvTranspose")) return shape[1] * attrs<ConvTransposeAttrs>(node).group;
    return shape[node.is("Conv") || is_transposed_gemm(node) ? 0 : 1];
}

int output_rank(const Node& node) { return weights_of(node).shape().rank(); }

std::string absorb(Node& node, const ChannelAffine& affine) {
    const DType dtype = weights_of(node).dtype();
    const bool keeps_weights = are_all(affine.scale, 1.0);
    const bool needs_bias = node.input(2) || !are_all(affine.shift, 0.0);
    const std::vector<double> weights = keeps_weights ? std::vector<double>{} : scaled_weights(node, affine.scale);
    const Bias bias = needs_bias ? mapped_bias(node, affine) : Bias{};
    if (!is_finite_as(dtype, weights) || !is_finite_as(dtype, bias.values)) return "the fused weights would not be finite";
    if (!keeps_weights) put_constant(&node, 1, tensor_of_doubles(dtype, weights_of(node).shape(), weights), name_beside(node, "weight"));
    if (needs_bias) put_constant(&node, 2, tensor_of_doubles(dtype, bias.shape, bias.values), name_beside(node, "bias"));
    if (node.is("Gemm") && needs_bias) node.graph().erase_attribute(&node, "beta");
    return {};
}

}  // namespace mcompress
