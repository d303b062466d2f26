// How many inputs and outputs an operator may have.
#pragma once

#include <string>

#include "ops/op_info.h"

namespace mcompress {

/// What is wrong with the node's number of inputs or outputs, or with an absent required input; empty when nothing is.
std::string arity_problem(const Node& node, const OpInfo& row);

}  // namespace mcompress
