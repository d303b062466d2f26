// GraphProto → Graph.
#pragma once

#include <memory>
#include <vector>

#include "ir/graph.h"
#include "ir/verify.h"
#include "onnx/convert_tensor.h"
#include "onnx/proto.h"

namespace mcompress {

struct GraphSource {
    TensorSource tensors;
    std::int64_t ir_version = 0;
};

/// Fills an empty main graph, and the graphs of all bodies below it, without recursion. The message is used up. Faults of names and
/// references are added to `findings`; the graph is then usable for verification only. Throws what take_tensor and take_attribute throw.
void build_graph(std::unique_ptr<onnx::GraphProto> proto, Graph& graph, const GraphSource& source, std::vector<Finding>& findings);

}  // namespace mcompress
