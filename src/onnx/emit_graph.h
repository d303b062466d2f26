// Graph → GraphProto.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/graph.h"
#include "onnx/proto.h"

namespace mcompress {

/// The dense initializers of a graph: defaults of inputs, then constants, in their order.
std::vector<const Value*> initializers_of(const Graph& graph);
inline const Tensor& initializer_tensor(const Value& value) { return value.constant() ? *value.constant() : *value.default_value(); }

/// Nodes (in order()) and the name.
void put_nodes(const Graph& graph, onnx::GraphProto& proto);

/// Everything but nodes, name and dense initializers. Main graphs before IR version 4 list constants among their inputs.
void put_surroundings(const Graph& graph, std::int64_t ir_version, onnx::GraphProto& proto);

}  // namespace mcompress
