// Factors for the channels of a model, by the noise they are expected to save.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tune/channel_noise.h"

namespace mcompress {

/// What was chosen for one group.
struct GroupChoice {
    std::size_t group = 0;
    double noise_before = 0.0;  // relative, summed over the products that read the group
    double noise_after = 0.0;
    std::string rule;  // "activation^0.5 weight^0.25"
};

struct ChosenFactors {
    std::vector<double> factors;       // by channel; 1 where nothing is gained
    std::vector<GroupChoice> choices;  // of groups whose factors are not all 1
};

/// Group by group, three times where weights share a step across groups, the candidate of least expected noise. Where a Clip bounds a channel that never
/// reached the bound, its factor leaves room below it (reach_of()); a channel that did reach it keeps factor 1: the Clip goes on cutting what it cut.
ChosenFactors choose_factors(const ChannelGroups& groups, const ChannelStatistics& statistics, const ChannelNoise& noise,
                             Granularity weights);

}  // namespace mcompress
