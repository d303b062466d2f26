// ModelProto → Model.
#pragma once

#include "onnx/build_graph.h"
#include "onnx/load.h"

namespace mcompress {

/// Uses the message up. What is wrong with the model is among the findings.
LoadedModel build_model(onnx::ModelProto& proto, const TensorSource& tensors);

}  // namespace mcompress
