// What calibration found: statistics of every observed value, and the fingerprint of the graph they belong to.
#pragma once

#include <map>
#include <string>

#include "tensor/statistics.h"

namespace mcompress {

struct CalibrationTable {
    std::string fingerprint;  // of the fused graph the values belong to
    std::uint64_t samples = 0;
    std::map<std::string, TensorStatistics> values;  // by the value's name, qualified in bodies

    /// Adds the statistics of another shard of the same graph; exact in any order. An empty table takes the other's fingerprint; throws
    /// kTableMismatch when the fingerprints differ.
    void merge(const CalibrationTable& other);
};

}  // namespace mcompress
