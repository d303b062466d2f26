// Turns what a tap sees into statistics.
#pragma once

#include <string>
#include <unordered_map>

#include "engine/engine.h"
#include "quant/calibration_table.h"

namespace mcompress {

/// The statistics one worker gathers; used by one thread at a time.
class Observer {
public:
    /// Adds what a value was in one run. Values that are not numbers are left out.
    void observe(const Value& value, const Tensor& tensor);
    /// A tap that calls observe(); the observer must outlive it.
    Tap tap();
    /// Adds all statistics to a table by qualified name.
    void merge_into(CalibrationTable& table) const;

private:
    std::unordered_map<const Value*, TensorStatistics> statistics_;
};

}  // namespace mcompress
