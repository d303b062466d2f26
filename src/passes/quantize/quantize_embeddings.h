#pragma once

#include <memory>

#include "passes/pass.h"
#include "quant/scheme.h"

namespace mcompress {

std::unique_ptr<Pass> make_quantize_embeddings(const QuantizationScheme& scheme);

}  // namespace mcompress
