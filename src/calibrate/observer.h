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
    /// Histograms count a part of large samples where there will be `samples` and those are many (decision 0009).
    explicit Observer(std::size_t samples);

    /// Adds what a value was in one run. Values that are not numbers are left out.
    void observe(const Value& value, const Tensor& tensor);
    /// A tap that calls observe(); the observer must outlive it.
    Tap tap();
    /// Adds all statistics to a table by qualified name.
    void merge_into(CalibrationTable& table) const;

private:
    std::size_t thinned_from_;
    std::unordered_map<const Value*, TensorStatistics> statistics_;
};

}  // namespace mcompress
