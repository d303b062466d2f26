// Checks of what a caller hands in against what a graph declares.
#pragma once

#include "ir/value.h"
#include "tensor/runtime_value.h"

namespace mcompress {

/// Whether a value is of a type: kind, element type, rank and known dimensions, elements of sequences and optionals included.
bool is_of_type(const RuntimeValue& value, const ValueType& type);

/// Throws kDataMismatch saying what the graph input is and what was found.
void check_input(const Value& input, const RuntimeValue& given);

}  // namespace mcompress
