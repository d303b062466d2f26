// Whether somebody decided that a node stays in float.
#pragma once

#include <string>

#include "ir/node.h"
#include "quant/scheme.h"

namespace mcompress {

/// The reason in scheme.keep_float, or that of scheme.exclude; empty when the node may be quantized. That excluded names exist is plan_quantization's to check.
std::string exclusion_of(const Node& node, const QuantizationScheme& scheme);

}  // namespace mcompress
