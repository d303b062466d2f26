#include "pipeline/cluster_model.h"

#include <algorithm>

#include "onnx/upgrade.h"
#include "ops/infer.h"
#include "passes/pipelines.h"
#include "passes/quantize/select_nodes.h"
#include "pipeline/prepare.h"
#include "pipeline/summarize.h"
#include "report/text_table.h"
#include "support/error.h"

namespace mcompress {

namespace {

constexpr int kBroadcastOpset = 7;
constexpr int kFourBitOpset = 21;

constexpr std::size_t kNamed = 10;  // weights that lost most

void judge(double min_sqnr, ClusterReport& report) {
    std::vector<const ClusteredWeight*> order;
    for (const ClusteredWeight& weight : report.weights) order.push_back(&weight);
    std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->sqnr_db < b->sqnr_db; });
    const double worst = order.front()->sqnr_db;
    report.gates.gates.push_back({"min-sqnr", min_sqnr, worst, worst >= min_sqnr});
    for (std::size_t at = 0; at < std::min(kNamed, order.size()); ++at)
        report.gates.worst.push_back(format("{} ({}): {}", order[at]->node, order[at]->op, decibels(order[at]->sqnr_db)));
}

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
    if (request.min_sqnr) judge(*request.min_sqnr, report);
    if (!report.gates.are_met()) return report;
    report.after = emit_and_summarize(*model, request.output, request.stamp, request.planned);
    return report;
}

}  // namespace mcompress
