// quantize-dynamic: matrix products on 8-bit codes whose ranges are found while the model runs.
#pragma once

#include <memory>

#include "passes/pass.h"
#include "quant/scheme.h"

namespace mcompress {

std::unique_ptr<Pass> make_quantize_dynamic(const QuantizationScheme& scheme);

}  // namespace mcompress
