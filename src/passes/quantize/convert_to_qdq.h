// convert-to-qdq: writes operators on codes as float operators between DequantizeLinear and QuantizeLinear.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

std::unique_ptr<Pass> make_convert_to_qdq();

}  // namespace mcompress
