// Parts of a graph as graphs of their own.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "ir/graph.h"

namespace mcompress {

/// A copy of what computes `outputs` from `inputs` and constants: names of values of the main graph. The new graph's inputs are the given ones that are needed,
/// then those of the graph's own inputs that still are, each in the order given and with its name; its outputs are the given ones. A value that is
/// computed in the graph and given here is read, not computed.
std::unique_ptr<Graph> extract_subgraph(const Graph& graph, std::span<const std::string> inputs, std::span<const std::string> outputs);

}  // namespace mcompress
