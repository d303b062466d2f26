// Weights that are held as codes of a codebook: how they look in a graph.
#pragma once

#include <optional>

#include "ir/graph.h"

namespace mcompress {

/// w = Gather (levels, i), i = Cast <to = 6 or 7> (codes) or the codes themselves, all of them constant.
struct Codebook {
    const Tensor* levels;  // [count], 16-, 32- or 64-bit floats
    const Tensor* codes;   // integers of fewer bits than a level
};

/// Nothing when the node is no such Gather.
std::optional<Codebook> match_codebook(const Node& gather);

/// Whether folding the node would undo a codebook: it is the Gather of one, or a Cast that only such Gathers read.
bool is_part_of_codebook(const Node& node);

/// Whether any weight of the graph or of its bodies is held so.
bool holds_codebooks(const Graph& graph);

}  // namespace mcompress
