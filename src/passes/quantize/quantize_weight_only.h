#pragma once

#include <memory>

#include "passes/pass.h"
#include "quant/block_codes.h"
#include "quant/scheme.h"

namespace mcompress {

/// Weights without an entry in `fitted` (null: all) are rounded without samples.
std::unique_ptr<Pass> make_quantize_weight_only(const QuantizationScheme& scheme, const BlockCodeTable* fitted);

}  // namespace mcompress
