// The layers of a float graph whose weights may become zero, and why the others may not.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "passes/pass.h"
#include "passes/quantize/select_nodes.h"
#include "prune/pattern.h"
#include "tune/layer.h"

namespace mcompress {

/// What the user says about single layers: the nodes a selector (select_nodes.h) means get this share of zeros.
struct SparsityOverride {
    std::string selector;
    double sparsity = 0.0;
};

struct LayerChoice {
    NodeSelection selection;
    std::vector<SparsityOverride> overrides;  // the last one wins
    Pattern pattern;
};

struct PrunableLayer {
    Layer layer;
    std::optional<double> fixed_sparsity;  // by an override
    bool has_pattern = true;               // it cannot have the pattern and stays dense, but may be repaired
};

struct PrunableLayers {
    std::vector<PrunableLayer> layers;  // in topological order
    std::vector<Skip> skipped;          // operators with weights that are left alone, with the reason
};

/// Conv, Gemm and MatMul of the main graph with a constant float32 weight that nobody else reads. `pruned` is a copy of `dense`. Throws kUsage for selectors
/// that mean no node and for overrides of nodes that cannot be pruned.
PrunableLayers find_prunable_layers(const Graph& dense, Graph& pruned, const LayerChoice& choice);

}  // namespace mcompress
