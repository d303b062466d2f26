// The table of passes: name, family, summary, factory. Help, docs, dispatch and `mcompress passes` read these rows.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "passes/clean/fold_constants.h"
#include "passes/compress/float_conversion.h"
#include "passes/pass.h"
#include "quant/block_codes.h"
#include "quant/calibration_table.h"
#include "quant/scheme.h"

namespace mcompress {

/// What factories may need; a factory takes what it uses.
struct PassInputs {
    Evaluator evaluator;                            // fold-constants
    QuantizationScheme scheme;                      // the quantize family
    const CalibrationTable* calibration = nullptr;  // quantize-activations, quantize-biases
    const BlockCodeTable* weight_codes = nullptr;   // quantize-weight-only
    FloatConversion float_conversion = {};          // convert-float
    Widening widening = Widening::Fold;             // fold-constants
};

enum class PassFamily { Clean, Fuse, Quantize, Compress };

struct PassRow {
    std::string_view name;
    PassFamily family;
    std::string_view summary;  // one sentence
    std::unique_ptr<Pass> (*make)(const PassInputs&);
};

std::span<const PassRow> all_passes();
/// Throws kUsage naming the nearest pass.
const PassRow& find_pass(std::string_view name);
std::string_view family_name(PassFamily family);

}  // namespace mcompress
