// Matching a sample's named tensors to a graph's inputs.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ir/graph.h"
#include "tensor/tensor.h"

namespace mcompress {

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;

/// The graph's inputs in order; inputs with a default may be missing (undefined tensor). Tensors without a name go to the inputs that need
/// one, in order. Throws kDataMismatch saying what the model wants and what was found: an unknown name (with the nearest one), a missing
/// input, another element type, another rank or a known dimension of another extent.
std::vector<Tensor> bind_inputs(const Graph& graph, const NamedTensors& tensors);

/// The shapes of `inputs` (in the order of Graph::inputs(); undefined tensors are left out) by name: CompileOptions::input_shapes.
std::map<std::string, Shape> shapes_given(const Graph& graph, std::span<const Tensor> inputs);

}  // namespace mcompress
