// strip-quantizers: makes a quantized graph a float one.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

std::unique_ptr<Pass> make_strip_quantizers(Evaluator evaluator);

}  // namespace mcompress
