// Which ranks the inputs of an operator may have, where its shapes do not already follow from them.
#pragma once

#include <span>
#include <string>

#include "ops/op_info.h"

namespace mcompress {

/// What is wrong with the rank of one of a node's inputs; empty when nothing is or it is not known.
std::string rank_problem(const Node& node, std::span<const ValueType> inputs);

}  // namespace mcompress
