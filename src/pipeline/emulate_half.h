// A graph in half precision, written so that float kernels compute exactly what half kernels do.
#pragma once

#include <memory>

#include "ir/graph.h"

namespace mcompress {

/// A copy that computes in float32 and rounds what every operator gives to the half type it had: how ONNX Runtime runs half operators on a CPU, and what our
/// reference kernels do, at the speed of float kernels. The types of inputs and outputs stay.
std::unique_ptr<Graph> emulate_half(const Graph& graph);

/// A copy of a float32 graph whose constants have been rounded to `half` and widened again.
std::unique_ptr<Graph> round_constants(const Graph& graph, DType half);

}  // namespace mcompress
