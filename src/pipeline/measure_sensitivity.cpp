#include "pipeline/measure_sensitivity.h"

#include <algorithm>
#include <map>

#include "data/subset.h"
#include "ir/fingerprint.h"
#include "ops/cost.h"
#include "pipeline/dequantize_model.h"
#include "pipeline/fixed_batch.h"
#include "pipeline/quantize_graph.h"
#include "pipeline/sensitivity_file.h"
#include "search/additivity.h"
#include "support/error.h"
#include "tune/samples.h"
#include "validate/fidelity.h"

namespace mcompress {

namespace {

EffectMetric metric_named(const std::string& name) {
    static const std::map<std::string, EffectMetric> kMetrics{
        {"sqnr", EffectMetric::Sqnr}, {"kl", EffectMetric::Divergence}, {"agreement", EffectMetric::Agreement}};
    const auto found = kMetrics.find(name);
    if (found == kMetrics.end()) throw Error(codes::kUsage, format("there is no metric '{}'", name), "sqnr, kl or agreement");
    return found->second;
}

SensitivityOptions options_of(const SensitivityRequest& request, const SensitivityKey& key) {
    SensitivityOptions options{.threads = request.threads,
                               .max_bytes = request.memory_bytes,
                               .known = {},
                               .save = {},
                               .progress = as_stage(request.progress, "measuring")};
    if (request.state.empty()) return options;
    options.known = load_effects(request.state, key);
    options.save = [path = request.state, key](const std::vector<SourceEffect>& effects) { save_effects(path, key, effects); };
    return options;
}

}  // namespace

SensitivityReport measure_sensitivity(const SensitivityRequest& request) {
    const EffectMetric metric = metric_named(request.metric);
    std::vector<PassRun> passes;
    const auto model = load_prepared(request.model, passes);
    refuse_quantized(*model->graph);
    Tuning tuning = make_tuning(*model->graph, request.scheme, *request.data, request.threads, request.progress);
    const CalibrationTable table = calibrate_and_decide(*model->graph, tuning);
    const CalibratedGraph calibrated{*model->graph, table, tuning};
    const Graph& exact = *model->graph;

    const std::unique_ptr<Graph> apart = build_apart(calibrated, tuning.scheme);
    const std::unique_ptr<Dataset> held_out = take(split_samples(tuning.data).held_out, request.samples);
    const FixedBatch samples = fit_batch(exact, *held_out, LastBatch::Fill);
    const auto engine = make_onednn_engine();
    std::vector<NoiseSource> sources = find_noise_sources(*apart, tuning.scheme);
    const SensitivityKey key{fingerprint(*apart), request.state.empty() ? "" : digest_of(*samples.samples)};
    const auto effects = measure_sources(*engine, exact, *apart, sources, *samples.samples, options_of(request, key));

    SensitivityReport report{
        .model = request.model.string(), .data = request.data_name, .samples = samples.samples->size(), .metric = request.metric};
    std::vector<const NoiseSource*> all;
    for (const NoiseSource& source : sources) all.push_back(&source);
    report.effect_of_all = effect_of(measure_set(*engine, exact, *apart, all, *samples.samples, request.threads), metric);
    report.ranking = rank_effects(std::move(sources), effects, metric, measure_cost(exact).macs);
    if (request.random_sets > 0)
        report.additivity =
            check_additivity(*engine, exact, *apart, report.ranking, metric, *samples.samples, request.random_sets, request.threads);
    for (const LayerFidelity& layer : measure_layers(*engine, exact, *apart, *samples.samples, samples.samples->size(), request.threads))
        report.cumulative_sqnr_db.emplace(layer.value, layer.measure.sqnr_db());
    return report;
}

}  // namespace mcompress
