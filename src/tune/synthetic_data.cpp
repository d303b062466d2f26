#include "tune/synthetic_data.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "support/error.h"
#include "support/splitmix.h"
#include "tune/input_scale.h"

namespace mcompress {
namespace {

constexpr std::int64_t kUnknownSide = 224, kMostChannels = 4;
constexpr std::size_t kProbes = 16;       // runs that the scale is fitted to
constexpr std::size_t kSupply = 4096;     // samples to group into batches for them
constexpr double kCommonDeviation = 0.8;  // of all channels; the rest is each channel's own

/// Numbers that depend on nothing but the seed and how many were drawn (SplitMix64).
class Numbers {
public:
    explicit Numbers(std::uint64_t seed) : state_(seed * kSplitMixStep + 0x2545F4914F6CDD1DULL) {}
    /// Mean 0, variance 1: twelve uniform numbers.
    double normal() {
        double sum = -6.0;
        for (int each = 0; each < 12; ++each) sum += static_cast<double>(next() >> 11) * 0x1p-53;
        return sum;
    }

private:
    std::uint64_t next() {
        const std::uint64_t number = splitmix64(state_);
        state_ += kSplitMixStep;
        return number;
    }
    std::uint64_t state_;
};

struct Picture {
    std::int64_t channels = 3, height = kUnknownSide, width = kUnknownSide;
    bool channels_last = false;
    DType dtype = DType::Float32;
};

/// A smooth random field: octaves of equal variance, each a random grid between whose points values are interpolated linearly. Mean 0, variance 1.
std::vector<double> random_field(std::int64_t height, std::int64_t width, Numbers& numbers) {
    std::vector<double> field(static_cast<std::size_t>(height * width), 0.0);
    for (std::int64_t period = 2; period < 2 * std::max(height, width); period *= 2) {
        const std::int64_t columns = width / period + 2, rows = height / period + 2;
        std::vector<double> grid(static_cast<std::size_t>(columns * rows));
        for (double& point : grid) point = numbers.normal();
        for (std::int64_t y = 0; y < height; ++y)
            for (std::int64_t x = 0; x < width; ++x) {
                const double fy = static_cast<double>(y % period) / static_cast<double>(period);
                const double fx = static_cast<double>(x % period) / static_cast<double>(period);
                const double* at = grid.data() + y / period * columns + x / period;
                field[static_cast<std::size_t>(y * width + x)] +=
                    (1.0 - fy) * ((1.0 - fx) * at[0] + fx * at[1]) + fy * ((1.0 - fx) * at[columns] + fx * at[columns + 1]);
            }
    }
    double sum = 0.0, square = 0.0;
    for (const double value : field) sum += value;
    const double mean = sum / static_cast<double>(field.size());
    for (double& value : field) {
        value -= mean;
        square += value * value;
    }
    const double deviation = std::sqrt(std::max(square / static_cast<double>(field.size()), 1e-12));
    for (double& value : field) value /= deviation;
    return field;
}

class SyntheticPictures final : public Dataset {
public:
    SyntheticPictures(Picture picture, std::string input, std::size_t count, double scale, std::vector<double> offsets)
        : picture_(picture), input_(std::move(input)), count_(count), scale_(scale), offsets_(std::move(offsets)) {}

    std::size_t size() const override { return count_; }
    std::string sample_name(std::size_t index) const override { return format("synthetic[{}]", index); }
    Sample sample(std::size_t index) const override {
        Numbers numbers(index + 1);
        const std::int64_t plane = picture_.height * picture_.width;
        const std::vector<double> common = random_field(picture_.height, picture_.width, numbers);
        std::vector<float> values(static_cast<std::size_t>(plane * picture_.channels));
        const double own = std::sqrt(1.0 - kCommonDeviation * kCommonDeviation);
        for (std::int64_t channel = 0; channel < picture_.channels; ++channel) {
            const std::vector<double> field = random_field(picture_.height, picture_.width, numbers);
            for (std::int64_t at = 0; at < plane; ++at) {
                const double value = kCommonDeviation * common[static_cast<std::size_t>(at)] + own * field[static_cast<std::size_t>(at)];
                const std::int64_t to = picture_.channels_last ? at * picture_.channels + channel : channel * plane + at;
                values[static_cast<std::size_t>(to)] = static_cast<float>(scale_ * value + offsets_[static_cast<std::size_t>(channel)]);
            }
        }
        const Shape shape = picture_.channels_last ? Shape{1, picture_.height, picture_.width, picture_.channels}
                                                   : Shape{1, picture_.channels, picture_.height, picture_.width};
        if (picture_.dtype == DType::Float32) return {{input_, Tensor::from_values(shape, values)}};
        std::vector<std::uint8_t> codes;
        for (const float value : values) codes.push_back(static_cast<std::uint8_t>(std::clamp(std::nearbyintf(value), 0.0F, 255.0F)));
        return {{input_, Tensor::from_values(shape, codes)}};
    }

private:
    Picture picture_;
    std::string input_;
    std::size_t count_;
    double scale_;
    std::vector<double> offsets_;
};

/// A picture with one number a channel.
class FlatPictures final : public Dataset {
public:
    FlatPictures(Picture picture, std::string input, std::vector<double> levels)
        : picture_(picture), input_(std::move(input)), levels_(std::move(levels)) {}
    std::size_t size() const override { return kSupply; }
    std::string sample_name(std::size_t) const override { return "flat"; }
    Sample sample(std::size_t) const override { return SyntheticPictures(picture_, input_, 1, 0.0, levels_).sample(0); }

private:
    Picture picture_;
    std::string input_;
    std::vector<double> levels_;
};

const Value& picture_input(const Graph& graph) {
    const Value* found = nullptr;
    std::size_t needed = 0;
    for (const Value* input : graph.inputs()) {
        if (input->default_value()) continue;
        ++needed;
        const bool is_number = input->type().is_tensor() && (input->type().dtype == DType::Float32 || input->type().dtype == DType::UInt8);
        if (is_number && input->type().has_rank() && input->type().rank() == 4) found = input;
    }
    if (found && needed == 1) return *found;
    throw Error(codes::kUsage, "samples can be made up for models with one input of pictures only ([N, C, H, W], float32 or uint8)",
                "pass --data with real samples, or --dynamic for a transformer");
}

Picture describe(const Value& input) {
    std::array<std::int64_t, 4> extents{};
    for (std::size_t axis = 0; axis < extents.size(); ++axis) {
        const Dim& dim = (*input.type().dims)[axis];
        extents[axis] = dim.is_known() ? dim.extent() : 0;
    }
    Picture picture;
    picture.dtype = input.type().dtype;
    picture.channels_last = (extents[1] < 1 || extents[1] > kMostChannels) && extents[3] >= 1 && extents[3] <= kMostChannels;
    const std::size_t first = picture.channels_last ? 1 : 2;
    const std::int64_t channels = extents[picture.channels_last ? 3 : 1];
    if (channels < 1 || channels > kMostChannels || extents[first] > 4096 || extents[first + 1] > 4096)
        throw Error(codes::kUsage, format("samples cannot be made up for input '{}' {}", input.name(), input.type().to_string()),
                    "pass --data with real samples");
    picture.channels = channels;
    picture.height = extents[first] > 0 ? extents[first] : kUnknownSide;
    picture.width = extents[first + 1] > 0 ? extents[first + 1] : kUnknownSide;
    return picture;
}

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

/// Minimizes sum over rows (target - row · x)^2 + small |x|^2 for few unknowns, by elimination of the normal equations.
std::vector<double> least_squares(const std::vector<std::vector<double>>& rows, const std::vector<double>& targets, std::size_t unknowns) {
    std::vector<std::vector<double>> system(unknowns, std::vector<double>(unknowns + 1, 0.0));
    double trace = 0.0;
    for (std::size_t row = 0; row < rows.size(); ++row)
        for (std::size_t i = 0; i < unknowns; ++i) {
            for (std::size_t j = 0; j < unknowns; ++j) system[i][j] += rows[row][i] * rows[row][j];
            system[i][unknowns] += rows[row][i] * targets[row];
        }
    for (std::size_t i = 0; i < unknowns; ++i) trace += system[i][i];
    for (std::size_t i = 0; i < unknowns; ++i) system[i][i] += 1e-3 * trace / static_cast<double>(unknowns) + 1e-30;
    for (std::size_t i = 0; i < unknowns; ++i)  // symmetric and positive: no pivots needed
        for (std::size_t row = 0; row < unknowns; ++row) {
            if (row == i) continue;
            const double factor = system[row][i] / system[i][i];
            for (std::size_t j = i; j <= unknowns; ++j) system[row][j] -= factor * system[i][j];
        }
    std::vector<double> solution;
    for (std::size_t i = 0; i < unknowns; ++i) solution.push_back(system[i][unknowns] / system[i][i]);
    return solution;
}

/// Offsets of the channels with which the first batch norm sees its trained means. Flat pictures tell how each channel's level moves them.
std::vector<double> fit_offsets(const Engine& engine, const Graph& graph, const FirstLayer& layer, const Picture& picture,
                                const std::string& input, int threads) {
    const auto channels = static_cast<std::size_t>(picture.channels);
    const auto means_at = [&](const std::vector<double>& levels) {
        return measure_moments(engine, graph, layer.observed->name(), FlatPictures(picture, input, levels), 1, threads).means;
    };
    const std::vector<double> base = means_at(std::vector<double>(channels, 0.0));
    std::vector<std::vector<double>> rows(base.size(), std::vector<double>(channels, 0.0));
    std::vector<double> targets(base.size(), 0.0);
    if (base.size() != layer.means.size()) return std::vector<double>(channels, 0.0);
    for (std::size_t channel = 0; channel < channels; ++channel) {
        std::vector<double> levels(channels, 0.0);
        levels[channel] = 1.0;
        const std::vector<double> moved = means_at(levels);
        for (std::size_t out = 0; out < base.size(); ++out) rows[out][channel] = (moved[out] - base[out]) / std::sqrt(layer.variances[out]);
    }
    for (std::size_t out = 0; out < base.size(); ++out) targets[out] = (layer.means[out] - base[out]) / std::sqrt(layer.variances[out]);
    return least_squares(rows, targets, channels);
}

}  // namespace

std::unique_ptr<Dataset> make_synthetic_data(const Engine& engine, const Graph& graph, std::size_t count, int threads) {
    const Value& input = picture_input(graph);
    const Picture picture = describe(input);
    std::vector<double> offsets(static_cast<std::size_t>(picture.channels), 0.0);
    if (picture.dtype == DType::UInt8) {
        std::fill(offsets.begin(), offsets.end(), 128.0);
        return std::make_unique<SyntheticPictures>(picture, input.name(), count, 50.0, offsets);
    }
    double scale = 1.0;
    const FirstLayer layer = find_first_layer(graph);
    if (layer.node) {
        if (layer.kind == FirstLayer::Kind::BatchNorm) offsets = fit_offsets(engine, graph, layer, picture, input.name(), threads);
        const SyntheticPictures unit(picture, input.name(), kSupply, 1.0, offsets);
        const ChannelMoments moments = measure_moments(engine, graph, layer.observed->name(), unit, kProbes, threads);
        std::vector<double> ratios;
        for (std::size_t channel = 0; channel < std::min(moments.variances.size(), layer.variances.size()); ++channel)
            if (moments.variances[channel] > 0.0 && layer.variances[channel] > 0.0)
                ratios.push_back(std::sqrt(layer.variances[channel] / moments.variances[channel]));
        if (!ratios.empty()) scale = median(ratios);
    }
    return std::make_unique<SyntheticPictures>(picture, input.name(), count, scale, offsets);
}

}  // namespace mcompress
