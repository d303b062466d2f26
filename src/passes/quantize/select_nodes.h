// Naming nodes of a graph on the command line and in recipes.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"
#include "quant/scheme.h"

namespace mcompress {

/// Display names of the nodes, bodies included, that a selector means, in the order of the graph, each once:
///
///     conv1            the node of that name, whatever characters are in it
///     layer?/conv*     names, where ? is any character and * any number of them
///     /conv[0-9]+$/    names in which the regular expression (ECMAScript) is found
///     type:Conv        an operator; with its domain when that is not the default one (type:com.microsoft.FusedConv)
///     x..y             every node on a way from value x to value y, with all that its bodies hold
///
/// Throws kUsage when it means no node, with the nearest name, operator or value there is, and when the regular expression is not one.
std::vector<std::string> select_nodes(const Graph& graph, std::string_view selector);

/// Which nodes may be quantized, as the user said.
struct NodeSelection {
    std::vector<std::string> include;  // selectors; none: every node
    std::vector<std::string> exclude;  // selectors; these win
};

/// Writes the nodes that the selection leaves out into scheme.keep_float, each with the reason. A reason that is there already stays.
void apply_selection(const Graph& graph, const NodeSelection& selection, QuantizationScheme& scheme);

}  // namespace mcompress
