// The fewest nodes to leave in float until a quantized model is good enough.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "engine/engine.h"
#include "quant/scheme.h"
#include "search/fallback.h"
#include "search/sensitivity.h"

namespace mcompress {

/// A source and what it does, for a reader.
struct RankedSource {
    NoiseSource source;
    double effect = 0.0;  // in the ranking's metric
    double share = 0.0;   // of the sum over all sources
    double macs_share = 0.0;
    double output_sqnr_db = 0.0;  // with only this source quantized
    double local_sqnr_db = 0.0;   // of the value, or of the unit's result
};

/// What is searched over. Everything borrowed must outlive the search.
struct SearchSubject {
    const Engine& engine;
    const Graph& exact;  // the prepared float graph
    QuantizationScheme scheme;
    /// A quantized copy of the float graph, in the form that can be taken apart.
    std::function<std::unique_ptr<Graph>(const QuantizationScheme& scheme)> build_apart;
    const Dataset& ranking_data;
    int threads = 1;
    std::function<void(std::size_t done, std::size_t total)> progress = {};  // of ranking
};

/// All sources of the quantized model, the greatest effect first.
std::vector<RankedSource> rank_sources(const SearchSubject& subject, EffectMetric metric, const SensitivityOptions& options);

/// As a table would show it: effects measured elsewhere.
std::vector<RankedSource> rank_effects(std::vector<NoiseSource> sources, const std::vector<SourceEffect>& effects, EffectMetric metric,
                                       std::int64_t total_macs);

struct PrecisionGoal {
    double limit = 0.0;
    /// Of the model that would be written with this scheme; not above the limit: good enough. The last one that is good enough is the answer.
    std::function<double(const QuantizationScheme& scheme)> measure;
    /// Of a draft that takes less time and is no better. When set, steps are counted with drafts, and what would be written proves the answer.
    std::function<double(const QuantizationScheme& scheme)> estimate = {};
    EffectMetric metric = EffectMetric::Sqnr;  // that sources are ranked by
    double max_float_share = 0.5;              // of the multiply-accumulates that may be left in float
    std::string why;                           // begins the reason of every node left in float
    std::optional<DType> wide = {};  // 16-bit codes that the target takes: values get them instead of nodes floats where that is enough
};

struct PrecisionResult {
    bool met = false;
    double at_none = 0.0;   // measured with everything quantized
    double measured = 0.0;  // of the result; with the most steps allowed when the goal was not met
    std::vector<RankedSource> ranking;
    std::vector<FallbackStep> steps;  // that were carried out
    std::vector<FallbackTry> tries;
    QuantizationScheme scheme;  // with the steps as decisions
};

/// Ranks, predicts how many steps are needed, and searches the fewest by measuring. Then as many of these as possible, the last ones first, give their values 16 bits
/// instead of leaving nodes in float. Where the share allowed in float is not enough, all values that were to leave nodes in float get 16 bits, as many as it takes.
/// `at_none` is the measure with everything quantized, above the limit.
PrecisionResult search_precision(const SearchSubject& subject, const PrecisionGoal& goal, double at_none);

}  // namespace mcompress
