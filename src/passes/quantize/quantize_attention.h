// quantize-attention: the projection of com.microsoft's Attention on 8-bit codes.
#pragma once

#include <memory>

#include "passes/pass.h"
#include "quant/scheme.h"

namespace mcompress {

std::unique_ptr<Pass> make_quantize_attention(const QuantizationScheme& scheme);

}  // namespace mcompress
