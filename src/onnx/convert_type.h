// TypeProto ↔ ValueType.
#pragma once

#include <optional>

#include "ir/type.h"
#include "onnx/proto.h"

namespace mcompress {

/// Denotations, opaque types and fields unknown to the IR go to `extra`. Negative dimensions, which some exporters write, mean unknown.
ValueType take_type(onnx::TypeProto proto);

/// A number other than 0 where the type, or what it is made of, has an element type that ONNX does not define.
std::optional<int> unknown_element_type(const onnx::TypeProto& proto);

void put_type(const ValueType& type, onnx::TypeProto& proto);

}  // namespace mcompress
