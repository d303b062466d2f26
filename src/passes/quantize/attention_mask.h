// Values that a mask made very negative so that a Softmax gives 0 for them.
#pragma once

#include "ir/graph.h"
#include "tensor/statistics.h"

namespace mcompress {

/// Whether the value reaches -1000 and, by additions, choices and moves of elements alone, a Softmax. No statistic may clip it: the mask's few levels lie
/// far from all other values, and a range without them lets what was masked take part again.
bool holds_attention_mask(const Value& value, const TensorStatistics& statistics);

}  // namespace mcompress
