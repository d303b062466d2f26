// Pruning of a graph's weights: budget, masks and repair, layer by layer in the order of the data.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "prune/budget.h"
#include "prune/packed_budget.h"
#include "prune/prunable_layers.h"
#include "prune/prune_layer.h"

namespace mcompress {

struct PruneOptions {
    double sparsity = 0.5;  // share of zeros over the weights that may be pruned and have no share of their own; N:M fixes it
    std::optional<PackedGoal> packed = {};  // instead of it: as many zeros as these bytes take. Not with N:M
    Criterion criterion = Criterion::Magnitude;
    Scope scope = Scope::Uniform;
    Repair repair = Repair::None;
    LayerChoice choice;
    std::shared_ptr<const Dataset> data;  // null: criteria, scopes and repairs that need none
    int threads = 1;
    std::function<void(std::size_t done, std::size_t total)> progress = {};
};

/// What became of one layer.
struct LayerOutcome {
    std::string node;
    std::string op;
    std::string pattern;  // "dense" where nothing was taken out
    std::int64_t weights = 0;
    std::int64_t zeros = 0;
    std::int64_t zeros_before = 0;
    std::int64_t macs = 0;  // with symbolic dimensions taken as 1
    std::string repair = "none";
    std::optional<double> error_before;  // relative, on held-out samples, without repair
    std::optional<double> error_after;
    std::optional<double> gain;  // noise at the outputs over the layer's error, when it was measured
};

/// The pruned model's outputs against the dense one's, on samples nothing was fitted to.
struct HeldOutFidelity {
    std::size_t samples = 0;
    double sqnr_db = 0.0;
    std::optional<double> agreement;  // of a classifier's decisions
};

struct PruneOutcome {
    std::vector<LayerOutcome> layers;
    std::vector<Skip> skipped;
    std::optional<HeldOutFidelity> fidelity;   // with data
    std::int64_t prunable_weights = 0;         // of the layers that have the pattern
    std::int64_t zeros = 0;                    // among them
    std::int64_t wanted_zeros = 0;             // what was asked for
    std::optional<std::int64_t> packed_bytes;  // of all constants, where they had a goal
};

/// Prunes `pruned`, a copy of the prepared float graph `dense`; both have types. Throws kUsage when nothing can be pruned, when a criterion, scope or repair
/// needs data and there is none, when a sparsity does not fit the pattern and when no number of zeros reaches a packed goal. The result does not depend on the number of threads.
PruneOutcome prune_graph(const Graph& dense, Graph& pruned, const PruneOptions& options);

}  // namespace mcompress
