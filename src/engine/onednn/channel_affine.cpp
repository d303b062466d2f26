#include "engine/onednn/channel_affine.h"

#include <algorithm>
#include <cmath>

#include "ops/attributes.h"
#include "ops/normalization.h"

namespace mcompress::onednn {

std::optional<ChannelAffine> channel_affine(const PropagatedValues& values, const Node& node) {
    if (!node.is("BatchNormalization") || node.input_count() != 5) return std::nullopt;
    const auto norm = attrs<BatchNormAttrs>(node);
    const auto shape = values.shape(node.input(0));
    if (norm.mode != BatchNormAttrs::Mode::Inference || norm.statistics != BatchNormAttrs::Statistics::PerChannel) return std::nullopt;
    if (!shape || shape->rank() < 2) return std::nullopt;
    const Tensor* parameters[4];
    for (int index = 0; index < 4; ++index) {
        const Tensor* tensor = node.input(index + 1) ? values.tensor(node.input(index + 1)) : nullptr;
        if (!tensor || tensor->dtype() != DType::Float32 || tensor->element_count() != (*shape)[1]) return std::nullopt;
        parameters[index] = tensor;
    }
    ChannelAffine affine;
    for (std::int64_t channel = 0; channel < (*shape)[1]; ++channel) {
        const auto parameter = [&](int index) { return static_cast<double>(parameters[index]->data<float>()[channel]); };
        const double factor = parameter(0) / std::sqrt(parameter(3) + static_cast<double>(norm.epsilon));
        affine.factor.push_back(factor);
        affine.offset.push_back(parameter(1) - parameter(2) * factor);
    }
    return affine;
}

Tensor scaled_channels(const Tensor& weights, const ChannelAffine& affine, OutputChannels outputs, std::int64_t groups) {
    const Shape& shape = weights.shape();
    const std::int64_t each = outputs == OutputChannels::First ? shape.product(1, shape.rank()) : shape.product(2, shape.rank());
    Tensor result = Tensor::uninitialized(DType::Float32, shape);
    const float* from = weights.data<float>();
    float* to = result.mutable_data<float>();
    for (std::int64_t row = 0; row < weights.element_count() / std::max<std::int64_t>(each, 1); ++row) {
        const std::int64_t inputs_a_group = shape[0] / groups;
        const std::int64_t channel = outputs == OutputChannels::First ? row : row / shape[1] / inputs_a_group * shape[1] + row % shape[1];
        const double factor = affine.factor[static_cast<std::size_t>(channel)];
        for (std::int64_t at = 0; at < each; ++at) *to++ = static_cast<float>(static_cast<double>(*from++) * factor);
    }
    return result;
}

Tensor scaled_bias(const Tensor* bias, const ChannelAffine& affine) {
    std::vector<float> values;
    for (std::size_t channel = 0; channel < affine.factor.size(); ++channel) {
        const double before = bias ? static_cast<double>(bias->data<float>()[channel]) : 0.0;
        values.push_back(static_cast<float>(before * affine.factor[channel] + affine.offset[channel]));
    }
    return Tensor::from_values(Shape{static_cast<std::int64_t>(values.size())}, values);
}

}  // namespace mcompress::onednn
