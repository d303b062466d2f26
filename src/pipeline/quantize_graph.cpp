#include "pipeline/quantize_graph.h"

#include "calibrate/calibrator.h"
#include "data/cached_dataset.h"
#include "data/content_order.h"
#include "engine/engine.h"
#include "ir/clone.h"
#include "ir/fingerprint.h"
#include "passes/pipelines.h"
#include "pipeline/fixed_batch.h"
#include "pipeline/prepare.h"
#include "support/memory.h"
#include "tune/choose_ranges.h"
#include "tune/equalize_layers.h"
#include "tune/fit_layers.h"
#include "tune/refine_ranges.h"

namespace mcompress {

Tuning make_tuning(const Graph& graph, const QuantizationScheme& scheme, const Dataset& data, int threads, StageProgress progress) {
    struct Samples {
        std::unique_ptr<const Dataset> ordered;
        FixedBatch batches;
    };
    const auto samples = std::make_shared<Samples>();
    samples->ordered = ordered_by_content(cached({std::shared_ptr<void>(), &data}), threads);
    samples->batches = fit_batch(graph, *samples->ordered, LastBatch::LeaveOut);
    Tuning tuning{.scheme = scheme, .data = {samples, samples->batches.samples.get()}, .threads = threads, .progress = std::move(progress)};
    tuning.calibrate = [scheme, samples = tuning.data, threads, progress = tuning.progress](Graph& observed) {
        const std::string id = fingerprint(observed);
        run_pipeline("observe", observed, pass_inputs(scheme));
        CalibrationTable table =
            calibrate(observed, *make_onednn_engine(), *samples, {.threads = threads, .progress = as_stage(progress, "calibrating")});
        run_pipeline("strip", observed, pass_inputs());
        table.fingerprint = id;
        return table;
    };
    return tuning;
}

CalibrationTable calibrate_and_decide(Graph& graph, Tuning& tuning) {
    if (tuning.scheme.effort != Effort::Fast) equalize_layers(graph, *make_onednn_engine(), tuning);
    release_free_memory();
    CalibrationTable table = tuning.calibrate(graph);
    release_free_memory();
    choose_ranges(graph, table, tuning);
    refine_ranges(graph, table, tuning);
    return table;
}

std::vector<PassRun> quantize_graph(Graph& graph, Tuning& tuning, const CalibrationTable& table, QuantizeFinish finish) {
    const std::unique_ptr<Graph> reference = clone(graph);
    std::vector<PassRun> runs = run_pipeline("quantize-codes", graph, pass_inputs(tuning.scheme, &table));
    fit_layers(*reference, graph, tuning);
    const char* rest = finish == QuantizeFinish::Complete ? "quantize-finish" : "quantize-take-apart";
    for (PassRun& run : run_pipeline(rest, graph, pass_inputs(tuning.scheme, &table))) runs.push_back(std::move(run));
    return runs;
}

}  // namespace mcompress
