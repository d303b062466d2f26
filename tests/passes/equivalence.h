// Whether two graphs compute the same.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "ir/graph.h"
#include "passes/pass.h"

namespace mcompress::testing {

using InputsByName = std::map<std::string, Tensor>;

/// The tensors for the inputs of `graph`, in its order, under their names: a pass may take optional inputs away.
InputsByName by_name(const Graph& graph, std::span<const Tensor> inputs);

/// Runs the graph on the reference engine; a tap sees what every node gives.
std::vector<Tensor> run_reference(const Graph& graph, const InputsByName& inputs, const Tap& tap = {});

/// Empty when every output has the same type and shape and its values differ by no more than `tolerance` times the output's greatest
/// magnitude (0: equal, where -0 equals 0 and NaN equals NaN); otherwise what differs.
std::string difference(std::span<const Tensor> before, std::span<const Tensor> after, double tolerance);

/// evaluate_node of the reference engine, as fold-constants wants it.
Evaluator reference_evaluator();

}  // namespace mcompress::testing
