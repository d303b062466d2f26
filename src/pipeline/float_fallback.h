// The fewest values to leave in float32 until a half precision model is good enough.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "ir/graph.h"
#include "passes/compress/float_conversion.h"
#include "quant/calibration_table.h"
#include "report/float_report.h"

namespace mcompress {

/// How good is good enough; absent: not asked.
struct FloatGoal {
    std::optional<double> min_sqnr;  // dB, of the worst output
    std::optional<double> max_drop;  // percentage points of decisions that may differ

    bool is_asked() const { return min_sqnr || max_drop; }
    /// Not above 0: met.
    double shortfall(const FloatFidelity& fidelity) const;
};

struct FloatSubject {
    const Graph& exact;              // the float32 graph
    const CalibrationTable* ranges;  // may be null
    const Dataset& data;
    int threads = 1;
};

/// What a graph that was converted so gives, by emulation.
FloatFidelity measure_conversion(const FloatSubject& subject, const FloatConversion& conversion);

/// As if only the constants were rounded.
FloatFidelity measure_rounded_constants(const FloatSubject& subject, DType half);

/// Ranks every value of the main graph by what rounding it alone does to the outputs, and leaves producers and readers of the worst ones in float32: as few as
/// meet the goal. The nodes with the reason, by display name; nothing when no number of them meets it. `search` gets every attempt and
/// what the worst values cost.
std::optional<std::map<std::string, std::string>> find_float_fallback(const FloatSubject& subject, const FloatConversion& conversion,
                                                                      const FloatGoal& goal, FloatSearch& search);

}  // namespace mcompress
