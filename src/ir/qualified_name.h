// Names that tell values of sibling bodies apart.
#pragma once

#include <string>

#include "ir/graph.h"

namespace mcompress {

/// The name of a value of a main graph; for one of a body, in front of it, the bodies around it: "y.then_branch/x", where y is the first output of
/// the node that has the body. Two values of one model never share it, while bodies of different nodes may use the same plain names.
std::string qualified_name(const Value& value);

}  // namespace mcompress
