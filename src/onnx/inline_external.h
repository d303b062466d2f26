// Messages that are carried as bytes must not point at files beside the model: the model may be written elsewhere.
#pragma once

#include "onnx/convert_tensor.h"

namespace mcompress {

/// Brings the contents of every external tensor below the message into it. Throws what take_tensor throws.
void inline_external_data(google::protobuf::Message& message, const TensorSource& source);

}  // namespace mcompress
