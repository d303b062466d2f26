// share-params: carries parameters through operators that only move values, and gives a Concat's inputs one set.
#pragma once

#include <memory>

#include "passes/pass.h"
#include "quant/scheme.h"

namespace mcompress {

std::unique_ptr<Pass> make_share_params(const QuantizationScheme& scheme);

}  // namespace mcompress
