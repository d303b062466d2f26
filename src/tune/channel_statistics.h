// What calibration samples show of each channel of a value.
#pragma once

#include <unordered_map>
#include <vector>

#include "data/dataset.h"
#include "engine/engine.h"
#include "tune/channel_groups.h"

namespace mcompress {

/// Of one index along the axis of a value, over all samples and all places.
struct ChannelSummary {
    float min = 0.0F;
    float max = 0.0F;
    double mean = 0.0;
    double mean_square = 0.0;
    double nonzero_share = 0.0;  // quantization leaves zeros as they are
};

/// Of one value. The extremes of single samples tell how far the channels of one sample reach together, which those of all samples overstate.
struct ValueChannels {
    std::vector<ChannelSummary> channels;
    std::vector<std::vector<float>> minima, maxima;  // [sample][channel], of those of the first samples in which it has elements
};

/// The magnitude unseen samples are expected to stay below: the greatest seen and the standard deviation of single samples' greatest on top.
double reach_of(const ValueChannels& value, std::size_t channel);

using ChannelStatistics = std::unordered_map<const Value*, ValueChannels>;

/// Runs the graph on every sample, `threads` at a time. The result does not depend on their number; memory grows with the number of channels (and up to
/// 64 samples of extremes). Sums over samples are exact. A channel that became NaN or infinite has infinite bounds. Errors name the sample. `each` is called
/// after every sample, from its thread.
ChannelStatistics measure_channels(const Graph& graph, const Engine& engine, const Dataset& data, const std::vector<ChannelAxis>& axes,
                                   int threads, const std::function<void()>& each = {});

}  // namespace mcompress
