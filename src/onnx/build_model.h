// ModelProto → Model.
#pragma once

#include <memory>

#include "ir/model.h"
#include "onnx/build_graph.h"

namespace mcompress {

/// Uses the message up. Throws kModelInvalid with every structural fault at once, and what build_graph throws.
std::unique_ptr<Model> build_model(onnx::ModelProto& proto, const TensorSource& tensors);

}  // namespace mcompress
