// Single samples for models whose batch size is fixed.
#pragma once

#include <cstddef>
#include <memory>

#include "data/dataset.h"
#include "ir/graph.h"

namespace mcompress {

enum class LastBatch {
    LeaveOut,  // with a warning, when it is not full
    Fill       // with the last sample again
};

struct FixedBatch {
    std::unique_ptr<const Dataset> samples;  // one a run
    std::size_t size = 1;                    // of the given samples in each
};

/// Groups samples of leading extent 1 where the model wants more; others stay as they are. `data` must outlive the result. Throws kDataEmpty when there
/// is no sample, or none would be left.
FixedBatch fit_batch(const Graph& graph, const Dataset& data, LastBatch last);

/// The same, left out: for who keeps the samples. Null stays null.
std::shared_ptr<const Dataset> in_batches(const Graph& graph, std::shared_ptr<const Dataset> data);

}  // namespace mcompress
