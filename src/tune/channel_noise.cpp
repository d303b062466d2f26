#include "tune/channel_noise.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "ops/attributes.h"

namespace mcompress {

namespace {

constexpr double kLevels = 255.0;        // of 8-bit activations; other widths only change what factors gain
constexpr double kWeightLevels = 127.0;  // a side

double factor_of(int channel, const std::vector<double>& factors) { return channel < 0 ? 1.0 : factors[static_cast<std::size_t>(channel)]; }

/// The values of a group between the products (or whatever else makes numbers anew) and `value`, itself included.
std::vector<const Value*> values_behind(const Value* value, const std::set<const Value*>& group) {
    std::vector<const Value*> found;
    std::set<const Value*> seen;
    std::vector<const Value*> pending{value};
    while (!pending.empty()) {
        const Value* at = pending.back();
        pending.pop_back();
        if (!group.contains(at) || !seen.insert(at).second) continue;
        found.push_back(at);
        if (is_product(*at->producer())) continue;
        for (const Value* input : at->producer()->inputs())
            if (input) pending.push_back(input);
    }
    return found;
}

}  // namespace

ChannelNoise::ChannelNoise(const ChannelGroups& groups, const ChannelStatistics& statistics, const QuantizationPlan& plan,
                           const QuantizationScheme& scheme)
    : scheme_(scheme), layers_of_group_(groups.groups.size()), traits_(static_cast<std::size_t>(groups.channel_count)) {
    add_quantizers(groups, statistics, plan);
    add_layers(groups, statistics, plan);
}

void ChannelNoise::add_quantizers(const ChannelGroups& groups, const ChannelStatistics& statistics, const QuantizationPlan& plan) {
    std::set<const Value*> observed;
    for (const ObservedValue& each : plan.observed) observed.insert(each.value);
    for (const ChannelGroup& group : groups.groups)
        for (const ChannelAxis& axis : group.axes) {
            if (!observed.contains(axis.value)) continue;
            const ValueChannels& seen = statistics.at(axis.value);
            quantizer_of_.emplace(axis.value, quantizers_.size());
            quantizers_.push_back({axis.channels, &seen});
            for (std::size_t index = 0; index < axis.channels.size(); ++index) {
                if (axis.channels[index] < 0) continue;
                double& extent = traits_[static_cast<std::size_t>(axis.channels[index])].extent;
                extent = std::max(extent, reach_of(seen, index));
            }
        }
}

void ChannelNoise::add_layers(const ChannelGroups& groups, const ChannelStatistics& statistics, const QuantizationPlan& plan) {
    std::unordered_map<const Value*, std::size_t> group_of;
    std::vector<std::set<const Value*>> members(groups.groups.size());
    for (std::size_t group = 0; group < groups.groups.size(); ++group)
        for (const ChannelAxis& axis : groups.groups[group].axes) {
            group_of.emplace(axis.value, group);
            members[group].insert(axis.value);
        }
    std::unordered_map<const Node*, const ChannelConstant*> results;
    for (const ChannelConstant& constant : groups.constants)
        if (constant.direction == ScaleDirection::Along && constant.input == 1) results[constant.node] = &constant;
    for (const ChannelConstant& constant : groups.constants) {
        if (constant.direction != ScaleDirection::Against || !is_product(*constant.node) || !plan.is_unit(constant.node)) continue;
        const Value* input = constant.node->input(0);
        const auto result = results.find(constant.node);
        Layer layer = make_layer(constant, result == results.end() ? nullptr : result->second, statistics.at(input));
        std::map<int, double> energy;  // of what reads a channel
        for (std::size_t index = 0; index < layer.read.size(); ++index) energy[layer.read[index]] += layer.weights.energy[index];
        const std::size_t group = group_of.at(input);
        for (const Value* value : values_behind(input, members[group])) {
            const auto quantizer = quantizer_of_.find(value);
            if (quantizer == quantizer_of_.end()) continue;
            Source source{quantizer->second, {}};
            std::set<int> counted;
            const std::vector<int>& channels = quantizers_[quantizer->second].channels;
            for (std::size_t index = 0; index < channels.size(); ++index)
                if (const auto read = energy.find(channels[index]); read != energy.end() && counted.insert(channels[index]).second)
                    source.readers.emplace_back(index, read->second);
            layer.sources.push_back(std::move(source));
        }
        layers_of_group_[group].push_back(layers_.size());
        const auto written = group_of.find(constant.node->output(0));
        if (written != group_of.end() && written->second != group) layers_of_group_[written->second].push_back(layers_.size());
        add_traits(layer);
        layers_.push_back(std::move(layer));
    }
}

ChannelNoise::Layer ChannelNoise::make_layer(const ChannelConstant& constant, const ChannelConstant* result,
                                             const ValueChannels& seen) const {
    Layer layer{
        .weights = read_weights(*constant.node), .read = constant.channels, .written = {}, .square = {}, .power = 0.0, .sources = {}};
    layer.written = result ? result->channels : std::vector<int>(layer.weights.groups * layer.weights.outputs_per_group, -1);
    for (const ChannelSummary& channel : seen.channels) layer.square.push_back(channel.mean_square);
    for (std::size_t index = 0; index < layer.read.size(); ++index) layer.power += layer.weights.energy[index] * layer.square[index];
    layer.power = std::max(layer.power, 1e-30);
    return layer;
}

void ChannelNoise::add_traits(const Layer& layer) {
    const ProductWeights& weights = layer.weights;
    for (std::size_t index = 0; index < layer.read.size(); ++index)
        if (layer.read[index] >= 0) {
            ChannelTraits& traits = traits_[static_cast<std::size_t>(layer.read[index])];
            traits.energy += weights.energy[index] / layer.power;
            traits.square += layer.square[index] / layer.power;
        }
    for (std::size_t output = 0; output < layer.written.size(); ++output)
        for (std::size_t input = 0; input < weights.inputs_per_group; ++input) {
            const auto magnitude = static_cast<double>(weights.magnitude[output * weights.inputs_per_group + input]);
            const int read = layer.read[output / weights.outputs_per_group * weights.inputs_per_group + input];
            const int written = layer.written[output];
            if (read >= 0)
                traits_[static_cast<std::size_t>(read)].reader = std::max(traits_[static_cast<std::size_t>(read)].reader, magnitude);
            if (written >= 0)
                traits_[static_cast<std::size_t>(written)].writer = std::max(traits_[static_cast<std::size_t>(written)].writer, magnitude);
        }
}

/// Range methods choose between the extremes of all samples and the mean of those of single samples: so does the model, half way.
double ChannelNoise::step(const Quantizer& quantizer, const std::vector<double>& factors) const {
    std::vector<double> along(quantizer.channels.size());
    for (std::size_t index = 0; index < along.size(); ++index) along[index] = factor_of(quantizer.channels[index], factors);
    double least = 0.0, greatest = 0.0, sum_of_minima = 0.0, sum_of_maxima = 0.0;
    const std::size_t samples = quantizer.seen->minima.size();
    for (std::size_t sample = 0; sample < samples; ++sample) {
        double low = 0.0, high = 0.0;
        const std::vector<float>& minima = quantizer.seen->minima[sample];
        const std::vector<float>& maxima = quantizer.seen->maxima[sample];
        for (std::size_t index = 0; index < minima.size(); ++index) {
            low = std::min(low, static_cast<double>(minima[index]) * along[index]);
            high = std::max(high, static_cast<double>(maxima[index]) * along[index]);
        }
        least = std::min(least, low);
        greatest = std::max(greatest, high);
        sum_of_minima += low;
        sum_of_maxima += high;
    }
    const auto count = static_cast<double>(std::max<std::size_t>(1, samples));
    const double low = 0.5 * (least + sum_of_minima / count);
    const double high = 0.5 * (greatest + sum_of_maxima / count);
    return (scheme_.activation_symmetry == Symmetry::Symmetric ? 2.0 * std::max(-low, high) : high - low) / kLevels;
}

double ChannelNoise::activation_noise(const Layer& layer, const std::vector<double>& factors) const {
    double noise = 0.0;
    for (const Source& source : layer.sources) {
        const Quantizer& quantizer = quantizers_[source.quantizer];
        const double whole = step(quantizer, factors);
        for (const auto& [index, energy] : source.readers) {
            const ChannelSummary& channel = quantizer.seen->channels[index];
            const double own = whole / factor_of(quantizer.channels[index], factors);
            const double rounding = channel.nonzero_share * own * own / 12.0;
            if (rounding > 0.0) noise += energy * rounding * channel.mean_square / (rounding + channel.mean_square);
        }
    }
    return noise;
}

double ChannelNoise::weight_noise(const Layer& layer, const std::vector<double>& factors) const {
    const ProductWeights& weights = layer.weights;
    std::vector<double> inverse(layer.read.size());
    for (std::size_t index = 0; index < inverse.size(); ++index) inverse[index] = 1.0 / factor_of(layer.read[index], factors);
    std::vector<double> greatest(layer.written.size(), 0.0);  // of an output's weights, its own factor left out
    double all = 0.0;
    for (std::size_t output = 0; output < greatest.size(); ++output) {
        const float* row = weights.magnitude.data() + output * weights.inputs_per_group;
        const double* scale = inverse.data() + output / weights.outputs_per_group * weights.inputs_per_group;
        for (std::size_t input = 0; input < weights.inputs_per_group; ++input)
            greatest[output] = std::max(greatest[output], static_cast<double>(row[input]) * scale[input]);
        all = std::max(all, greatest[output] * factor_of(layer.written[output], factors));
    }
    double noise = 0.0;
    for (std::size_t group = 0; group < weights.groups; ++group) {
        double signal = 0.0;
        for (std::size_t input = group * weights.inputs_per_group; input < (group + 1) * weights.inputs_per_group; ++input)
            signal += layer.square[input] / (inverse[input] * inverse[input]);
        for (std::size_t output = group * weights.outputs_per_group; output < (group + 1) * weights.outputs_per_group; ++output) {
            const bool is_shared = scheme_.weight_granularity == Granularity::PerTensor;
            const double range = is_shared ? all / factor_of(layer.written[output], factors) : greatest[output];
            noise += range * range * signal;
        }
    }
    return noise * static_cast<double>(weights.taps) / (kWeightLevels * kWeightLevels * 12.0);
}

double ChannelNoise::of_group(std::size_t group, const std::vector<double>& factors) const {
    double noise = 0.0;
    for (const std::size_t at : layers_of_group_[group])
        noise += (activation_noise(layers_[at], factors) + weight_noise(layers_[at], factors)) / layers_[at].power;
    return noise;
}

}  // namespace mcompress
