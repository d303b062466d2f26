// TypeProto ↔ ValueType.
#pragma once

#include "ir/type.h"
#include "onnx/proto.h"

namespace mcompress {

/// Denotations, opaque types and fields unknown to the IR go to `extra`. Negative dimensions, which some exporters write, mean unknown.
ValueType take_type(onnx::TypeProto proto);

void put_type(const ValueType& type, onnx::TypeProto& proto);

}  // namespace mcompress
