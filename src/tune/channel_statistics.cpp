#include "tune/channel_statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "support/error.h"
#include "support/parallel.h"
#include "tensor/statistics.h"

namespace mcompress {

namespace {

constexpr std::size_t kKeptSamples = 64;
constexpr float kInfinite = std::numeric_limits<float>::infinity();

/// One sample's numbers of one channel.
struct Moments {
    float min = kInfinite;
    float max = -kInfinite;
    double sum = 0.0;
    double squares = 0.0;
    std::uint64_t zeros = 0;

    void add(float value) {
        min = std::min(min, value);
        max = std::max(max, value);
        sum += static_cast<double>(value);
        squares += static_cast<double>(value) * static_cast<double>(value);
        zeros += value == 0.0F ? 1 : 0;
    }
    void add(const Moments& other) {
        min = std::min(min, other.min);
        max = std::max(max, other.max);
        sum += other.sum;
        squares += other.squares;
        zeros += other.zeros;
    }
};

/// Partial sums in lanes of a fixed width: the order of addition is the same on every machine, and the loop need not wait for each sum.
Moments moments_of(std::span<const float> values) {
    constexpr std::size_t kLanes = 8;
    std::array<Moments, kLanes> lanes;
    std::size_t at = 0;
    for (; at + kLanes <= values.size(); at += kLanes)
        for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane].add(values[at + lane]);
    for (std::size_t lane = 0; at < values.size(); ++at, ++lane) lanes[lane].add(values[at]);
    for (std::size_t lane = 1; lane < kLanes; ++lane) lanes[0].add(lanes[lane]);
    return lanes[0];
}

/// Sums over samples are exact, so that neither their order nor the number of threads shows.
struct Accumulator {
    float min = kInfinite;
    float max = -kInfinite;
    ExactSum means, squares;
    std::uint64_t samples = 0;
    std::uint64_t zeros = 0;
    std::uint64_t count = 0;
    bool is_finite = true;

    void add(const Moments& moments, std::size_t elements) {
        const auto mean = static_cast<float>(moments.sum / static_cast<double>(elements));
        const auto square = static_cast<float>(moments.squares / static_cast<double>(elements));
        if (!std::isfinite(mean) || !std::isfinite(square)) {
            is_finite = false;
            return;
        }
        min = std::min(min, moments.min);
        max = std::max(max, moments.max);
        means.add(static_cast<double>(mean));
        squares.add(static_cast<double>(square));
        ++samples;
        zeros += moments.zeros;
        count += elements;
    }
    void add(const Accumulator& other) {
        min = std::min(min, other.min);
        max = std::max(max, other.max);
        means.add(other.means);
        squares.add(other.squares);
        samples += other.samples;
        zeros += other.zeros;
        count += other.count;
        is_finite = is_finite && other.is_finite;
    }
    ChannelSummary summary() const {
        if (!is_finite || samples == 0) return {.min = -kInfinite, .max = kInfinite};
        const auto n = static_cast<double>(samples);
        return {min, max, means.value() / n, squares.value() / n, 1.0 - static_cast<double>(zeros) / static_cast<double>(count)};
    }
};

using Accumulators = std::unordered_map<const Value*, std::vector<Accumulator>>;

/// Moments of every index along an axis; empty for an empty tensor.
std::vector<Moments> moments_along(const Tensor& tensor, int axis) {
    const Shape& shape = tensor.shape();
    const auto extent = static_cast<std::size_t>(shape[axis]);
    const auto inner = static_cast<std::size_t>(shape.product(axis + 1, shape.rank()));
    const auto outer = static_cast<std::size_t>(shape.product(0, axis));
    if (inner == 0 || outer == 0) return {};
    const std::span<const float> values = tensor.values<float>();
    std::vector<Moments> moments(extent);
    for (std::size_t block = 0; block < outer; ++block)
        for (std::size_t channel = 0; channel < extent; ++channel) {
            const std::size_t begin = (block * extent + channel) * inner;
            if (inner == 1) moments[channel].add(values[begin]);
            else moments[channel].add(moments_of(values.subspan(begin, inner)));
        }
    return moments;
}

void keep_extremes(ValueChannels& value, std::size_t sample, const std::vector<Moments>& moments) {
    if (sample >= value.minima.size()) return;
    for (const Moments& channel : moments) {
        value.minima[sample].push_back(channel.min);
        value.maxima[sample].push_back(channel.max);
    }
}

}  // namespace

double reach_of(const ValueChannels& value, std::size_t channel) {
    double sum = 0.0, squares = 0.0;
    for (std::size_t sample = 0; sample < value.minima.size(); ++sample) {
        const auto greatest = static_cast<double>(std::max(-value.minima[sample][channel], value.maxima[sample][channel]));
        sum += greatest;
        squares += greatest * greatest;
    }
    const auto count = static_cast<double>(std::max<std::size_t>(1, value.minima.size()));
    const double variance = std::max(0.0, squares / count - sum / count * (sum / count));
    const ChannelSummary& seen = value.channels[channel];
    return std::max(std::abs(static_cast<double>(seen.min)), std::abs(static_cast<double>(seen.max))) + std::sqrt(variance);
}

ChannelStatistics measure_channels(const Graph& graph, const Engine& engine, const Dataset& data, const std::vector<ChannelAxis>& axes,
                                   int threads, const std::function<void()>& each) {
    CompileOptions options{.threads = 1};
    std::unordered_map<const Value*, int> axis_of;
    Accumulators empty;
    ChannelStatistics result;
    for (const ChannelAxis& axis : axes) {
        if (!axis_of.emplace(axis.value, axis.axis).second) continue;
        options.tapped.push_back(axis.value);
        empty[axis.value].resize(axis.channels.size());
        result[axis.value].minima.resize(std::min(kKeptSamples, data.size()));
        result[axis.value].maxima.resize(std::min(kKeptSamples, data.size()));
    }
    PlanCache plans(engine, graph, options);
    std::vector<Accumulators> workers(static_cast<std::size_t>(std::max(1, threads)), empty);
    parallel_for(data.size(), threads, [&](int worker, std::size_t index) {
        const auto look = [&](const Value& value, const Tensor& tensor) {
            const auto axis = axis_of.find(&value);
            if (axis == axis_of.end() || tensor.dtype() != DType::Float32) return;
            std::vector<Accumulator>& channels = workers[static_cast<std::size_t>(worker)].at(&value);
            const std::vector<Moments> moments = moments_along(tensor, axis->second);
            if (moments.size() != channels.size()) return;
            const auto elements = static_cast<std::size_t>(tensor.element_count()) / moments.size();
            for (std::size_t channel = 0; channel < moments.size(); ++channel) channels[channel].add(moments[channel], elements);
            keep_extremes(result.at(&value), index, moments);
        };
        with_context([&] { return format("sample '{}'", data.sample_name(index)); },
                     [&] {
                         const std::vector<Tensor> inputs = bind_inputs(graph, data.sample(index));
                         plans.plan_for(inputs)->run(inputs, look);
                     });
        if (each) each();
    });
    for (auto& [value, channels] : workers[0])
        for (std::size_t channel = 0; channel < channels.size(); ++channel) {
            for (std::size_t worker = 1; worker < workers.size(); ++worker) channels[channel].add(workers[worker].at(value)[channel]);
            result.at(value).channels.push_back(channels[channel].summary());
        }
    for (auto& [value, channels] : result) {
        std::erase_if(channels.minima, [](const auto& extremes) { return extremes.empty(); });
        std::erase_if(channels.maxima, [](const auto& extremes) { return extremes.empty(); });
    }
    return result;
}

}  // namespace mcompress
