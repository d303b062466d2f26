// GraphProto → Graph.
#pragma once

#include <memory>
#include <unordered_set>
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

/// Fills an empty main graph, and the graphs of all bodies below it, without recursion. The message is used up. Faults of names, references, tensors
/// and attributes are added to `findings`; the graph is then usable for verification only. Returns the nodes that lack an attribute because of one.
std::unordered_set<const Node*> build_graph(std::unique_ptr<onnx::GraphProto> proto, Graph& graph, const GraphSource& source,
                                            std::vector<Finding>& findings);

}  // namespace mcompress
