// Calibration samples in two parts: what improvements are fitted to, and what they are judged by.
#pragma once

#include <memory>

#include "data/dataset.h"

namespace mcompress {

struct SampleSplit {
    std::shared_ptr<const Dataset> fit;
    std::shared_ptr<const Dataset> held_out;  // at least one sample; disjoint from `fit` when there are two samples or more
};

/// One of so many samples is held out.
inline constexpr std::size_t kHoldOutPeriod = 5;

/// Whether sample `index` of `count` is held out.
bool is_held_out(std::size_t index, std::size_t count);

/// Holds out every fifth sample (the 3rd, 8th, …; of fewer than five the last one). Interleaved, since files are often sorted by class.
SampleSplit split_samples(const std::shared_ptr<const Dataset>& data);

}  // namespace mcompress
