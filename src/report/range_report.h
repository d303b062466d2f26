// The ranges a quantized model's activations got, against the values that calibration saw.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "quant/choose_params.h"
#include "report/document.h"

namespace mcompress {

struct RangeSummary {
    std::string value;
    std::string dtype;           // of its codes
    ValueRange observed;         // least and greatest finite value
    ValueRange chosen;           // what the lowest and the highest code stand for
    double step = 0.0;           // between codes, the scale
    double clipped = 0.0;        // share of the values that are not 0 and lie outside the chosen range
    double zeros = 0.0;          // share of exact zeros
    std::vector<double> counts;  // of values that are not 0, over equal parts of the observed range
};

inline constexpr std::size_t kRangeBins = 80;

/// Histograms of the values that clip most, and a table of all.
void add_ranges(Document& document, const std::vector<RangeSummary>& ranges);

}  // namespace mcompress
