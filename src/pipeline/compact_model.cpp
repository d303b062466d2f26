#include "pipeline/compact_model.h"

#include <map>

#include "ops/infer.h"
#include "passes/pipelines.h"
#include "pipeline/prepare.h"
#include "pipeline/summarize.h"

namespace mcompress {

CompactReport compact_model(const std::filesystem::path& path, const std::filesystem::path& output, const std::optional<Stamp>& stamp,
                            PlannedFiles* planned, const StageProgress& progress) {
    CompactReport report;
    auto model = load_inlined(path);
    infer_types(*model->graph);
    report.before = summarize(*model, path);
    // Weights behind Identity or Cast, and shapes that are computed, have to be plain constants.
    report.passes = run_pipeline("clean", *model->graph, pass_inputs(), {.stage = "cleaning", .progress = progress});
    const std::vector<LayerWidth> before = layer_widths(*model->graph);
    for (PassRun& run : run_pipeline("compact", *model->graph, pass_inputs(), {.stage = "compacting", .progress = progress})) {
        if (run.name == "compact") {
            report.removed += run.result.rewrites;
            report.kept = run.result.skipped;
        }
        report.passes.push_back(std::move(run));
    }
    report.layers = narrowed_layers(before, layer_widths(*model->graph));
    report.after = emit_and_summarize(*model, output, stamp, planned);
    return report;
}

std::vector<NarrowedLayer> narrowed_layers(const std::vector<LayerWidth>& before, const std::vector<LayerWidth>& after) {
    std::map<std::string, std::int64_t> widths;
    for (const LayerWidth& layer : after) widths.emplace(layer.node, layer.channels);
    std::vector<NarrowedLayer> narrowed;
    for (const LayerWidth& layer : before)
        if (const auto found = widths.find(layer.node); found != widths.end() && found->second != layer.channels)
            narrowed.push_back({layer.node, layer.op, layer.channels, found->second});
    return narrowed;
}

}  // namespace mcompress
