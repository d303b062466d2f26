// Whether samples have the scale that the first layers of a model were trained on.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "calibrate/data_check.h"
#include "data/dataset.h"
#include "engine/engine.h"
#include "ir/graph.h"

namespace mcompress {

/// What the first layer of a model says about its inputs, over at most 16 samples. The graph is the model as it came, types inferred, before anything is
/// fused: its first BatchNormalization holds the mean and variance that its input had in training.
///  - With one: unfit when at the median channel the variance differs from the trained one by more than 16 times, or the mean by more than 5 trained
///    standard deviations; doubtful beyond 6 times and 3.
///  - Without one (folded into the weights before): the standard deviation of what the first Conv gives, over the magnitude of its bias, at the median
///    channel. Batch norm leaves both alike, and so does training without it: 0.4 to 5 on every published network we have. Unfit beyond 20 or below 0.05,
///    doubtful beyond 12 and below 0.1. A Conv whose result is normalized per sample tells nothing, nor does one without a bias.
///  - With a batch norm behind a Conv that tells something, both must be doubtful, and the worse verdict counts: behind a saturating activation a batch norm
///    hardly sees the scale of the samples, and deep ones may hold the moments of other pictures; biases of networks without batch norm may be small.
/// Layers that samples reach as indices alone (an embedding's) are passed over: those have no scale.
/// Nothing is found where there is no such layer.
std::vector<DataFinding> check_input_scale(const Engine& engine, const Graph& graph, const Dataset& data, int threads);

/// Mean and variance of each channel (axis 1) of a value of the graph over at most `most` samples, evenly spread; samples are
/// put together where the model takes batches.
struct ChannelMoments {
    std::vector<double> means;
    std::vector<double> variances;
};
ChannelMoments measure_moments(const Engine& engine, const Graph& graph, const std::string& value, const Dataset& data, std::size_t most,
                               int threads);

/// The first layer whose parameters tell what its input should be.
struct FirstLayer {
    enum class Kind { BatchNorm, Convolution };
    Kind kind = Kind::BatchNorm;
    const Node* node = nullptr;
    const Value* observed = nullptr;  // input of the batch norm, result of the convolution
    std::vector<double> means;        // batch norm: trained; convolution: empty
    std::vector<double> variances;    // batch norm: trained, epsilon included; convolution: squares of the bias
};
/// Its node is null when there is none.
FirstLayer find_first_layer(const Graph& graph);
/// The same, and behind it the Conv that samples reach before it, where it is a batch norm and there is one.
std::vector<FirstLayer> find_first_layers(const Graph& graph);

}  // namespace mcompress
