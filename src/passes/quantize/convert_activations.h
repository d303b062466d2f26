// convert-activations: gives activations of another type the type of the unit that reads them.
#pragma once

#include <memory>

#include "passes/pass.h"
#include "quant/scheme.h"

namespace mcompress {

std::unique_ptr<Pass> make_convert_activations(const QuantizationScheme& scheme);

}  // namespace mcompress
