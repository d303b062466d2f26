#include "quant/calibration_table.h"

#include "support/error.h"

namespace mcompress {

void CalibrationTable::merge(const CalibrationTable& other) {
    if (fingerprint.empty() && samples == 0 && values.empty()) {
        *this = other;
        return;
    }
    if (fingerprint != other.fingerprint)
        throw Error(codes::kTableMismatch,
                    format("calibration tables of two graphs ({} and {}) cannot be merged", fingerprint, other.fingerprint),
                    "calibrate all shards with the same model and options");
    samples += other.samples;
    for (const auto& [name, statistics] : other.values) values[name].merge(statistics);
}

}  // namespace mcompress
