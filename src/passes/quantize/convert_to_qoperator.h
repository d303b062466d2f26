// convert-to-qoperator: writes groups of DequantizeLinear, operator and QuantizeLinear as one operator on codes.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

std::unique_ptr<Pass> make_convert_to_qoperator();

}  // namespace mcompress
