#include "tune/refine_ranges.h"

#include <algorithm>
#include <array>

#include "ir/qualified_name.h"
#include "quant/range_method.h"
#include "support/format.h"
#include "support/log.h"
#include "tune/samples.h"
#include "tune/trial.h"

namespace mcompress {
namespace {

constexpr std::array<float, 3> kFactors{0.7F, 0.85F, 1.2F};
constexpr int kSweeps = 2;
constexpr double kLeastGain = 1e-3;

/// Names of the observed values of the main graph in the order of the data.
std::vector<std::string> observed_values(const Graph& graph, const CalibrationTable& table) {
    std::vector<std::string> names;
    const auto add = [&](const Value* value) {
        if (!value) return;
        const auto found = table.values.find(qualified_name(*value));
        if (found != table.values.end() && found->second.count > 0) names.push_back(found->first);
    };
    for (const Value* input : graph.inputs()) add(input);
    for (const Node* node : graph.order())
        for (const Value* output : node->outputs()) add(output);
    return names;
}

ValueRange scaled(ValueRange range, float factor, const TensorStatistics& statistics) {
    // Nothing lies beyond what was seen.
    return {std::max(range.min * factor, std::min(statistics.min, 0.0F)), std::min(range.max * factor, std::max(statistics.max, 0.0F))};
}

}  // namespace

void refine_ranges(const Graph& graph, const CalibrationTable& table, Tuning& tuning) {
    // Ranges chosen value by value (choose_ranges) have seen the outputs already: moving them on by the error before weights are fitted made models worse.
    if (tuning.scheme.effort != Effort::Max || tuning.scheme.range_method == "auto") return;
    const std::vector<std::string> names = observed_values(graph, table);
    const SampleSplit split = split_samples(tuning.data);
    const std::unique_ptr<Engine> engine = make_onednn_engine();
    const Trial fit(*engine, graph, *split.fit, tuning.threads), held_out(*engine, graph, *split.held_out, tuning.threads);
    QuantizationScheme scheme = tuning.scheme;
    const auto error = [&](const Trial& trial) { return trial.measure(*quantized_copy(graph, scheme, table)).relative_noise(); };
    const double before = error(held_out);
    double least = error(fit);
    std::size_t changed = 0;
    StageCounter counter(tuning.progress, "refining ranges", kSweeps * names.size());
    for (int sweep = 0; sweep < kSweeps; ++sweep) {
        bool has_changed = false;
        for (const std::string& name : names) {
            const TensorStatistics& statistics = table.values.at(name);
            const auto known = scheme.ranges.find(name);
            const ValueRange start =
                known != scheme.ranges.end() ? known->second : find_range_method(scheme.range_method).choose(statistics);
            ValueRange best = start;
            for (const float factor : kFactors) {
                const ValueRange candidate = scaled(start, factor, statistics);
                if (candidate == start || candidate.min == candidate.max) continue;
                scheme.ranges[name] = candidate;
                const double found = error(fit);
                if (!(found < least * (1.0 - kLeastGain))) continue;
                least = found;
                best = candidate;
            }
            scheme.ranges[name] = best;
            counter.advance();
            if (best == start) continue;
            has_changed = true;
            ++changed;
            log_debug("range of '{}' [{:.4g}, {:.4g}] -> [{:.4g}, {:.4g}], output error {:.5f}", name, start.min, start.max, best.min,
                      best.max, least);
        }
        if (!has_changed) break;
    }
    counter.finish();
    const double after = error(held_out);
    if (!(after < before)) return;
    tuning.scheme.ranges = std::move(scheme.ranges);
    tuning.notes.push_back({"ranges", "",
                            format("{} of {} ranges changed for the outputs' sake: error on {} other samples {:.5f} -> {:.5f}", changed,
                                   names.size(), held_out.samples(), before, after)});
}

}  // namespace mcompress
