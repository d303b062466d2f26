// A model of the noise that quantization adds in front of and inside each product with constant weights, as a function of the factors of channels.
//
// A product y = W x takes in, with factors k, from each quantizer whose noise reaches x (step D, one for its tensor)
//     sum_c A_c n(D / k_c, c),   A_c = sum of W^2 over what reads channel c,   n(d, c) = z_c d^2/12 (z_c: the share of elements that are not 0), bounded by E[x_c^2],
// and from its own codes (step s_o for output o)
//     sum_o s_o(k)^2/12 sum_c taps k_c^2 E[x_c^2] / k_o^2,
// both relative to its power, sum_c A_c E[x_c^2]. Widening a narrow channel (k > 1) lifts it out of the noise of its tensor and sinks the weights that read
// it into the noise of their codes: the sum says where it pays.
#pragma once

#include <unordered_map>
#include <vector>

#include "passes/quantize/quantization_plan.h"
#include "quant/scheme.h"
#include "tune/channel_statistics.h"
#include "tune/product_weights.h"

namespace mcompress {

/// What bounds and weighs the factor of a channel. 0 where nothing is known.
struct ChannelTraits {
    double extent = 0.0;  // greatest magnitude in the quantized values it lies in
    double energy = 0.0;  // of the weights that read it, relative to the power of their products
    double square = 0.0;  // E[x^2] where products read it, likewise
    double reader = 0.0;  // greatest |weight| that reads it
    double writer = 0.0;  // greatest |weight| that makes it
};

class ChannelNoise {
public:
    /// `plan` says which values have quantizers and which products become integers; `statistics` must hold all values of the groups and outlive the model.
    ChannelNoise(const ChannelGroups& groups, const ChannelStatistics& statistics, const QuantizationPlan& plan,
                 const QuantizationScheme& scheme);

    /// Sum of the relative noise of the products that the group's factors change.
    double of_group(std::size_t group, const std::vector<double>& factors) const;
    const std::vector<ChannelTraits>& traits() const { return traits_; }

private:
    struct Quantizer {
        std::vector<int> channels;  // -1: of factor 1
        const ValueChannels* seen;
    };
    /// How the noise of one quantizer enters a product: pairs of an index along the quantized value and the energy of what reads its channel.
    struct Source {
        std::size_t quantizer = 0;
        std::vector<std::pair<std::size_t, double>> readers;
    };
    struct Layer {
        ProductWeights weights;
        std::vector<int> read, written;  // channels by input and by output
        std::vector<double> square;      // by input: E[x^2]
        double power = 0.0;
        std::vector<Source> sources;
    };
    void add_quantizers(const ChannelGroups& groups, const ChannelStatistics& statistics, const QuantizationPlan& plan);
    void add_layers(const ChannelGroups& groups, const ChannelStatistics& statistics, const QuantizationPlan& plan);
    Layer make_layer(const ChannelConstant& constant, const ChannelConstant* result, const ValueChannels& seen) const;
    void add_traits(const Layer& layer);
    double step(const Quantizer& quantizer, const std::vector<double>& factors) const;
    double activation_noise(const Layer& layer, const std::vector<double>& factors) const;
    double weight_noise(const Layer& layer, const std::vector<double>& factors) const;

    QuantizationScheme scheme_;
    std::vector<Quantizer> quantizers_;
    std::unordered_map<const Value*, std::size_t> quantizer_of_;
    std::vector<Layer> layers_;
    std::vector<std::vector<std::size_t>> layers_of_group_;
    std::vector<ChannelTraits> traits_;
};

}  // namespace mcompress
