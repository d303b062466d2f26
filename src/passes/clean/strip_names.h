// strip-names: takes the names of operators away and gives short ones to the values inside.
#pragma once

#include <memory>

#include "passes/pass.h"

namespace mcompress {

/// Before:  `inner/relu_1/output = Relu [inner/relu_1] (x)  y = Neg [inner/neg_2] (inner/relu_1/output)`
/// After:   `a = Relu (x)  y = Neg (a)`
///
/// In the order of the graphs, constants before results: a, b, … z, aa, ab, … without those that the model used before, so that a name that two models
/// have in common still means one value. Inputs and outputs of the model and of bodies keep theirs, and so does a value whose name is no longer than the
/// one it would get, is drawn at random (our reference draws other numbers for another name), or occurs in what the graph carries along uninterpreted
/// (annotations of ONNX say by name which value they are about; all of a graph's values keep theirs where that is too much to look through).
/// Does nothing when no operator has a name and every name is short.
std::unique_ptr<Pass> make_strip_names();

}  // namespace mcompress
