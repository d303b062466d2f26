// What a model costs: multiply-accumulates, parameters, bytes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "ir/graph.h"

namespace mcompress {

struct GraphCost {
    std::map<std::string, int> op_counts;  // "Conv" or "domain::Type" → nodes, bodies included
    std::int64_t parameters = 0;           // elements of constants
    std::int64_t parameter_bytes = 0;
    std::map<std::string, std::int64_t> bytes_by_dtype;
    std::int64_t macs = 0;          // with symbolic dimensions taken as 1
    std::int64_t unknown_macs = 0;  // nodes whose count could not be known
};

GraphCost measure_cost(const Graph& graph);
/// Multiply-accumulates of one node (symbolic dimensions count as 1); nothing when a shape is not known. 0 for operators without products.
std::optional<std::int64_t> count_macs(const Node& node);
/// As above with other types than the graph holds, e.g. those of infer_types_for. One type an input and output, whatever it is for absent ones.
std::optional<std::int64_t> count_macs(const Node& node, std::span<const ValueType> inputs, std::span<const ValueType> outputs);

}  // namespace mcompress
