// eliminate-redundant-relu: removes a Relu or Clip that the quantizer behind it does anyway.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

std::unique_ptr<Pass> make_eliminate_redundant_relu();

}  // namespace mcompress
