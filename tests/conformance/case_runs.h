// The single node of a text case, run with other inputs than it was written with.
#pragma once

#include <string>
#include <vector>

#include "fixtures/text_case.h"

namespace mcompress::testing {

/// The node's inputs as the case gives them; undefined ones are left out or computed.
std::vector<Tensor> inputs_of(const Node& node, const TextCase& text_case);

/// Infers, evaluates the reference kernel and compiles and runs the oneDNN engine on these inputs. What went wrong other than an Error about
/// the model; empty when nothing did. `node` is the only one of `graph`.
std::string run_single_node(Graph& graph, const Node& node, const std::vector<Tensor>& inputs);

}  // namespace mcompress::testing
