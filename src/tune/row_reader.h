// Reads rows of a layer's im2col matrix out of its input.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ops/attributes.h"
#include "ops/conv.h"
#include "tune/layer.h"

namespace mcompress {

/// Of an input of one shape, or of another value of that height and width.
class RowReader {
public:
    RowReader(const Layer& layer, const Shape& input) : layer_(layer), input_(input) {
        if (!layer.node->is("Conv")) {
            positions_ = layer.inputs == 0 ? 0 : input.element_count() / layer.inputs;
            return;
        }
        const Shape& weight = float_weight(layer).shape();
        const auto conv = attrs<ConvAttrs>(*layer.node);
        Shape own = input;
        own[1] = conv.group * weight[1];
        window_ = conv.geometry(own, weight);
        positions_ = input[0];
        for (const WindowAxis& axis : window_) positions_ *= axis.output;
        std::int64_t taps = 1;
        for (const WindowAxis& axis : window_) taps *= axis.kernel;
        taps_ = taps;
    }

    std::int64_t positions() const { return positions_; }

    /// Whether a tensor has the shape of the layer's results, for its positions.
    bool fits_results(const Tensor& tensor) const {
        return tensor.dtype() == DType::Float32 && tensor.element_count() == positions_ * layer_.groups * layer_.outputs;
    }
    /// What a tensor of that shape has at a position, of every channel.
    void read_result(const float* from, std::int64_t position, float* to) const {
        const std::int64_t channels = layer_.groups * layer_.outputs;
        std::int64_t plane = 1;
        for (const WindowAxis& axis : window_) plane *= axis.output;
        const float* const first = from + position / plane * plane * channels + position % plane;
        for (std::int64_t channel = 0; channel < channels; ++channel) to[channel] = first[channel * plane];
    }

    /// Writes the row of a position for each group, `stride` floats apart: to_real(element), `padding` in the padding.
    template <typename T, typename ToReal>
    void read(const T* from, std::int64_t position, float* to, std::int64_t stride, const ToReal& to_real, float padding = 0.0F) const {
        if (window_.empty()) std::transform(from + position * layer_.inputs, from + (position + 1) * layer_.inputs, to, to_real);
        else read_window(from, position, to, stride, to_real, padding);
    }

private:
    template <typename T, typename ToReal>
    void read_window(const T* from, std::int64_t position, float* to, std::int64_t stride, const ToReal& to_real, float padding) const {
        const int spatial = static_cast<int>(window_.size());
        std::vector<std::int64_t> start(window_.size());
        for (int axis = spatial - 1; axis >= 0; --axis) {
            const WindowAxis& along = window_[static_cast<std::size_t>(axis)];
            start[static_cast<std::size_t>(axis)] = position % along.output * along.stride - along.pad_begin;
            position /= along.output;
        }
        const std::int64_t channels = input_[1], plane = input_.product(2, input_.rank());
        const std::int64_t per_group = channels / layer_.groups;
        const T* image = from + position * channels * plane;
        std::vector<std::int64_t> offsets(static_cast<std::size_t>(taps_));  // -1 in the padding
        for (std::int64_t tap = 0; tap < taps_; ++tap) offsets[static_cast<std::size_t>(tap)] = offset_of(start, tap);
        for (std::int64_t channel = 0; channel < channels; ++channel) {
            float* row = to + channel / per_group * stride + channel % per_group * taps_;
            const T* source = image + channel * plane;
            for (std::int64_t tap = 0; tap < taps_; ++tap) {
                const std::int64_t offset = offsets[static_cast<std::size_t>(tap)];
                row[tap] = offset < 0 ? padding : to_real(source[offset]);
            }
        }
    }

    std::int64_t offset_of(const std::vector<std::int64_t>& start, std::int64_t tap) const {
        std::int64_t offset = 0, step = 1;
        for (std::size_t axis = window_.size(); axis-- > 0;) {
            const WindowAxis& along = window_[axis];
            const std::int64_t at = start[axis] + tap % along.kernel * along.dilation;
            tap /= along.kernel;
            const std::int64_t extent = input_[static_cast<int>(axis) + 2];
            if (at < 0 || at >= extent) return -1;
            offset += at * step;
            step *= extent;
        }
        return offset;
    }

    const Layer& layer_;
    Shape input_;
    Window window_;
    std::int64_t positions_ = 0;
    std::int64_t taps_ = 1;
};

}  // namespace mcompress
