// Which layers of a graph become smaller ones, at which ranks, and the rewriting of the graph.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "engine/engine.h"
#include "passes/pass.h"

namespace mcompress {

/// By what a factorized layer has to be cheaper. Measured: time of its steps against the old one's on this machine, besides MACs.
enum class CostGate { Macs, Measured };

struct FactorizeOptions {
    /// Either each layer keeps this share of its output's energy, with the fewest MACs that do …
    std::optional<double> energy;
    /// … or the layers that can be factorized keep this share of their MACs in all, where the error grows least.
    std::optional<double> ratio;
    CostGate gate = CostGate::Measured;
    std::map<std::string, std::string> keep;  // nodes to leave alone, by display name, each with the reason
    std::shared_ptr<const Dataset> data;      // null: errors of weights instead of outputs
    int threads = 1;
    std::function<void(std::size_t done, std::size_t total)> progress = {};
};

/// What became of a layer.
struct FactorizedLayer {
    std::string node;
    std::string op;
    std::string form;
    std::int64_t rank = 0;
    std::int64_t inner_rank = 0;  // of Tucker
    std::int64_t parameters_before = 0, parameters_after = 0;
    std::int64_t macs_before = 0, macs_after = 0;  // with dimensions that are not known taken as 1
    double predicted_error = 0.0;                  // relative: of the outputs on fit samples; of the weights without data
    std::optional<double> measured_error;          // relative, on held-out samples, with exact inputs
    std::optional<double> final_error;             // relative, on held-out samples, behind the layers factorized before it
    bool is_refitted = false;                      // its last factor was fitted to what those give
    std::optional<double> time_ratio;              // of the new steps' time to the old one's
};

struct FactorizeOutcome {
    std::vector<FactorizedLayer> layers;
    std::vector<Skip> skipped;
    std::optional<double> output_sqnr_db;  // worst output on held-out samples
    std::optional<double> agreement;       // of a classifier's decisions
    std::int64_t macs_before = 0;          // of the layers that could be factorized
    std::int64_t macs_after = 0;
};

/// Rewrites a prepared float graph whose types are inferred. Looks at Conv without groups, Gemm and MatMul of the main graph with a constant float32 weight that no other
/// node reads, of at most 2304 inputs. Ranks are multiples of 8. Throws kUsage when nothing was worth it, naming a reason.
FactorizeOutcome factorize_graph(Graph& graph, const FactorizeOptions& options);

}  // namespace mcompress
