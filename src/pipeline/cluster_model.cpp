#include "pipeline/cluster_model.h"

#include "onnx/upgrade.h"
#include "ops/infer.h"
#include "passes/pipelines.h"
#include "passes/quantize/select_nodes.h"
#include "pipeline/prepare.h"
#include "pipeline/summarize.h"
#include "support/error.h"

namespace mcompress {

namespace {

constexpr int kBroadcastOpset = 7;
constexpr int kFourBitOpset = 21;

}  // namespace

ClusterReport cluster_model(const ClusterRequest& request) {
    ClusterReport report;
    report.bits = request.options.bits;
    report.storage = request.options.storage;
    auto model = load_inlined(request.model);
    infer_types(*model->graph);
    report.before = summarize(*model, request.model);
    const int opset = report.storage == CodeStorage::Packed ? kFourBitOpset : kBroadcastOpset;
    if (model->graph->opset_version("") < opset) {
        upgrade_opset(*model, opset);
        infer_types(*model->graph);
    }
    report.passes = run_pipeline("fuse", *model->graph, pass_inputs());
    ClusterOptions options = request.options;
    for (const std::string& selector : request.exclude)
        for (const std::string& node : select_nodes(*model->graph, selector)) options.keep.emplace(node, "excluded by name");
    ClusterResult result = cluster_weights(*model->graph, options);
    report.weights = std::move(result.weights);
    report.skipped = std::move(result.skipped);
    if (report.weights.empty())
        throw Error(codes::kUsage, format("{} has no weight to cluster{}", request.model.string(),
                                          report.skipped.empty() ? ""
                                                                 : format(": that of '{}' stays, since {}", report.skipped[0].node,
                                                                          report.skipped[0].reason)));
    report.after = emit_and_summarize(*model, request.output, request.stamp, request.planned);
    return report;
}

}  // namespace mcompress
