// A quantized graph with all but a few of its noise sources undone, and the part of it that these sources reach.
#pragma once

#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "ir/graph.h"

namespace mcompress {

/// A copy of `quantized` in which only the sources with these marks (NoiseSource::marks) change numbers: other pairs are bypassed, other weights and
/// biases are those of `reference`, the float graph that it was made from.
std::unique_ptr<Graph> keep_sources(const Graph& quantized, const Graph& reference, const std::unordered_set<std::string>& marks);

/// The nodes that a change reaches, with everything else they read as inputs.
struct ReachedPart {
    std::unique_ptr<Graph> graph;
    std::vector<const Value*> inputs;         // of the reference: what each input of the graph stands for
    std::vector<std::size_t> outputs;         // positions among the reference's outputs of those that are reached
    std::vector<const Value*> changed;        // in the graph: the first value that each source changes
    std::vector<const Value*> changed_exact;  // of the reference: the same before the change; null where it has none
};

/// Cuts the graph that keep_sources() made. Integers (shapes, indices) are computed again rather than read, since kernels want to know them when they
/// are compiled.
ReachedPart cut_to_reached(std::unique_ptr<Graph> graph, const Graph& reference, const std::unordered_set<std::string>& marks);

}  // namespace mcompress
