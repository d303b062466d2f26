#include "tune/pooled_pictures.h"

#include <algorithm>

namespace mcompress {

namespace {

constexpr double kTowardsPosition = 0.5;

}  // namespace

const Value* pooled_source(const Layer& layer, const Value* input) {
    if (layer.node->is("Conv")) return nullptr;
    const Node* producer = input->producer();
    while (producer && (producer->is("Flatten") || producer->is("Reshape") || producer->is("Squeeze")))
        producer = producer->input(0)->producer();
    return producer && producer->is("GlobalAveragePool") ? producer->input(0) : nullptr;
}

PooledPictures::PooledPictures(const Shape& input, std::int64_t most_rows)
    : pictures_(input[0]), channels_(input[1]), height_(input[2]), width_(input[3]), rows_(1) {
    rows_ = std::clamp<std::int64_t>(most_rows / std::max<std::int64_t>(1, pictures_), 1, kParts + positions());
}

bool PooledPictures::can_read(const Layer& layer, const Tensor& tensor) {
    const Shape& input = tensor.shape();
    return tensor.dtype() == DType::Float32 && input.rank() == 4 && input[1] == layer.inputs && input[2] > 1 && input[3] > 1;
}

PooledPictures::Window PooledPictures::window_of(std::int64_t part) const {
    if (part == 0) return {0, 0, height_, width_};
    const std::int64_t high = height_ / 2 + 1, wide = width_ / 2 + 1;
    const std::int64_t top = part <= 2 ? 0 : height_ - high, left = part % 2 == 1 ? 0 : width_ - wide;
    return {top, left, top + high, left + wide};
}

double PooledPictures::average(const float* plane, const Window& window) const {
    double sum = 0.0;
    for (std::int64_t y = window.top; y < window.bottom; ++y)
        for (std::int64_t x = window.left; x < window.right; ++x) sum += static_cast<double>(plane[y * width_ + x]);
    return sum / static_cast<double>((window.bottom - window.top) * (window.right - window.left));
}

void PooledPictures::read(const float* from, std::int64_t row, std::span<const std::int64_t> chosen, float* to) const {
    const std::int64_t part = row % rows_;
    const Window window = window_of(part < kParts ? part : 0);
    for (std::int64_t channel = 0; channel < channels_; ++channel) {
        const float* plane = from + (row / rows_ * channels_ + channel) * positions();
        double value = average(plane, window);
        if (part >= kParts) {
            const double at = static_cast<double>(plane[chosen[static_cast<std::size_t>(part - kParts)]]);
            value += kTowardsPosition * (at - value);
        }
        to[channel] = static_cast<float>(value);
    }
}

}  // namespace mcompress
