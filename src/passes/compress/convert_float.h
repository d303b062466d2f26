// convert-float: makes a float32 graph a float16 or bfloat16 one, or the other way round.
#pragma once

#include <memory>

#include "passes/compress/float_conversion.h"
#include "passes/compress/float_plan.h"
#include "passes/pass.h"

namespace mcompress {

/// `calibration` may be null; it must outlive the pass.
std::unique_ptr<Pass> make_convert_float(FloatConversion conversion, const CalibrationTable* calibration);

/// Carries a plan out; the number of nodes that compute in another type, and of casts.
struct FloatConversionCounts {
    int nodes = 0;
    int casts = 0;
    int constants = 0;
};
FloatConversionCounts convert_floats(Graph& graph, const FloatPlan& plan, const FloatConversion& conversion);

}  // namespace mcompress
