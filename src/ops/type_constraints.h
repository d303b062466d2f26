// Which element types the inputs of an operator may have.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "ops/op_info.h"

namespace mcompress {

/// What is wrong with the element types of a node's inputs: one that its operator does not take, or two that differ and must not. Empty when nothing is, when
/// the types are not known, and for operators without a rule.
std::string type_problem(const Node& node, std::span<const ValueType> inputs);

/// An operator of ai.onnx and the types of its inputs, version by version. A test reads all of them.
struct TypeRule {
    std::string_view op;
    std::string_view versions;
};

/// Sorted by operator.
std::span<const TypeRule> type_rules();

}  // namespace mcompress
