// AttributeProto ↔ Attribute.
#pragma once

#include <functional>
#include <memory>

#include "ir/attribute.h"
#include "onnx/convert_tensor.h"
#include "onnx/proto.h"

namespace mcompress {

/// Makes the Graph of a body; its contents may be filled in later.
using BodyTaker = std::function<std::shared_ptr<Graph>(std::unique_ptr<onnx::GraphProto>)>;
using BodyWriter = std::function<void(const Graph&, onnx::GraphProto&)>;

/// Takes the value out of the message. Kinds that the IR does not interpret, and references to a function's attributes, are carried whole.
/// Throws kModelInvalid when values of other types than the declared one are present, and what take_tensor throws.
Attribute take_attribute(onnx::AttributeProto& proto, const TensorSource& source, const BodyTaker& take_body);

void put_attribute(const Attribute& attribute, onnx::AttributeProto& proto, const BodyWriter& write_body);

}  // namespace mcompress
