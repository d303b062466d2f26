#include "pipeline/quantize_graph.h"

#include "calibrate/calibrator.h"
#include "data/cached_dataset.h"
#include "engine/engine.h"
#include "ir/fingerprint.h"
#include "passes/pipelines.h"
#include "pipeline/prepare.h"

namespace mcompress {

namespace {

// Pictures are looked at several times; so many bytes of them are decoded once.
constexpr std::size_t kCachedSamples = std::size_t{96} << 20;

}  // namespace

Tuning make_tuning(const QuantizationScheme& scheme, const Dataset& data, int threads,
                   std::function<void(std::size_t, std::size_t)> progress) {
    Tuning tuning{.scheme = scheme, .data = cached({std::shared_ptr<void>(), &data}, kCachedSamples), .threads = threads};
    tuning.calibrate = [scheme, samples = tuning.data, threads, progress = std::move(progress)](Graph& graph) {
        const std::string id = fingerprint(graph);
        run_pipeline("observe", graph, pass_inputs(scheme));
        CalibrationTable table = calibrate(graph, *make_onednn_engine(), *samples, {.threads = threads, .progress = progress});
        run_pipeline("strip", graph, pass_inputs());
        table.fingerprint = id;
        return table;
    };
    return tuning;
}

CalibrationTable calibrate_and_decide(Graph& graph, Tuning& tuning) {
    CalibrationTable table = tuning.calibrate(graph);
    return table;
}

std::vector<PassRun> quantize_graph(Graph& graph, Tuning& tuning, const CalibrationTable& table, QuantizeFinish finish) {
    std::vector<PassRun> runs = run_pipeline("quantize-codes", graph, pass_inputs(tuning.scheme, &table));
    const char* rest = finish == QuantizeFinish::Complete ? "quantize-finish" : "quantize-take-apart";
    for (PassRun& run : run_pipeline(rest, graph, pass_inputs(tuning.scheme, &table))) runs.push_back(std::move(run));
    return runs;
}

}  // namespace mcompress
