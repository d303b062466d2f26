#include "pipeline/quantize_graph.h"

#include "passes/pipelines.h"
#include "pipeline/prepare.h"

namespace mcompress {

std::vector<PassRun> quantize_graph(Graph& graph, Tuning& tuning, const CalibrationTable& table, QuantizeFinish finish) {
    std::vector<PassRun> runs = run_pipeline("quantize-codes", graph, pass_inputs(tuning.scheme, &table));
    const char* rest = finish == QuantizeFinish::Complete ? "quantize-finish" : "quantize-take-apart";
    for (PassRun& run : run_pipeline(rest, graph, pass_inputs(tuning.scheme, &table))) runs.push_back(std::move(run));
    return runs;
}

}  // namespace mcompress
