// Model-local functions: every call is replaced by the function's nodes.
#pragma once

#include <vector>

#include "ir/finding.h"
#include "ir/model.h"

namespace mcompress {

/// What all functions together may expand to.
inline constexpr std::int64_t kMostInlinedNodes = std::int64_t{1} << 20;

/// Expands every call of the model's functions, bodies and functions that call functions included, and drops the functions. New values and
/// nodes are named after the call. A function written for another opset than the model's is brought to one with it where its operators differ.
///
/// Throws kModelInvalid when a function calls itself, has faults of structure or is called with other inputs and outputs than it has,
/// kOpsetUnsupported where opsets cannot be brought together, kTooLarge and kNestingTooDeep. The model is of no use after an Error.
void inline_functions(Model& model);

/// Everything that is wrong with the structure and the tensors of a function, called or not.
std::vector<Finding> verify_function(const Function& function);

}  // namespace mcompress
