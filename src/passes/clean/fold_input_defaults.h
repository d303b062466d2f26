// fold-input-defaults: makes constants of weights that the model also lists as inputs.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

/// Before:  `g (float[1,3,8,8] x, float[4,3,3,3] W = {…}) => …  y = Conv (x, W)`
/// After:   `g (float[1,3,8,8] x) => … <W = float[4,3,3,3] {…}>  y = Conv (x, W)`
///
/// Some exporters list every weight as an input with a default, which lets a caller replace it with each run. Nobody does, and nothing can be
/// fused or quantized while it is possible. A weight is what is read in a place for weights: see kWeightPlaces.
/// Does nothing to a default that is no weight (a threshold, a number of steps): replacing those may be what they are there for. The
/// interface loses optional inputs and nothing else.
std::unique_ptr<Pass> make_fold_input_defaults();

}  // namespace mcompress
