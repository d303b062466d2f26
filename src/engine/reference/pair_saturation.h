// The kernels of the private domain that emulate sums of two products in 16 bits.
#pragma once

#include <span>

#include "engine/reference/kernel.h"

namespace mcompress::reference {

std::span<const KernelRow> pair_saturation_kernels();

}  // namespace mcompress::reference
