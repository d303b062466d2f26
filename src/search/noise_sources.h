// Where quantization changes numbers: the places whose error can be measured, and undone, on its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "quant/scheme.h"

namespace mcompress {

/// A place that is quantized or left in float as a whole: the pairs of one set of parameters (a value, and what operators that only move or join
/// elements make of it), or the weights and the bias of a unit. A Relu or Clip that a unit absorbs is part of the unit.
struct NoiseSource {
    enum class Kind { Activation, Weight };

    Kind kind = Kind::Activation;
    std::string name;                // of the value; of the unit whose weights they are
    std::string op;                  // of the node that computes the value (empty for a graph input); of the unit
    std::vector<std::string> marks;  // in the quantized graph: qualified names of its QuantizeLinear results, or of the unit's first output
    std::vector<std::string> units;  // the nodes that have to be left in float for it to vanish, by display name
    std::int64_t macs = 0;           // of these nodes
    std::vector<std::string> values = {};   // qualified names of what its pairs quantize; none of weights
    std::vector<std::string> writers = {};  // the units that compute these values, by display name

    /// Tells sources of one model apart.
    std::string id() const { return (kind == Kind::Activation ? "activation:" : "weights:") + marks.front(); }
};

/// All sources of a quantized graph in the order of its nodes, bodies included. The scheme is the one it was quantized with. Graphs whose redundant Relus
/// have been eliminated already cannot be taken apart.
std::vector<NoiseSource> find_noise_sources(const Graph& quantized, const QuantizationScheme& scheme);

}  // namespace mcompress
