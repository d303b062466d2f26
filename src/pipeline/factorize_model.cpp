#include "pipeline/factorize_model.h"

#include <algorithm>

#include "passes/quantize/select_nodes.h"
#include "pipeline/fixed_batch.h"
#include "pipeline/prepare.h"
#include "pipeline/summarize.h"
#include "support/error.h"

namespace mcompress {

namespace {

void check_share(const char* option, std::optional<double> share) {
    if (!share || (*share > 0.0 && *share < 1.0)) return;
    throw Error(codes::kUsage, format("{} {} is no share between 0 and 1", option, *share), "0.9 is nine tenths");
}

constexpr std::size_t kNamed = 10;  // layers that lost most

double error_of(const FactorizedLayer& layer) { return layer.final_error.value_or(layer.predicted_error); }

void judge(const FactorizeGates& gates, FactorizeReport& report) {
    if (!gates.are_asked()) return;
    const FactorizeOutcome& outcome = report.outcome;
    if (gates.min_agreement && !outcome.agreement)
        throw Error(codes::kUsage, "--min-agreement needs a classifier: the first output is not [samples, classes]", "use --min-sqnr");
    if (gates.min_sqnr)
        report.gates.gates.push_back({"min-sqnr", *gates.min_sqnr, *outcome.output_sqnr_db, *outcome.output_sqnr_db >= *gates.min_sqnr});
    if (gates.min_agreement) {
        const double percent = 100.0 * *outcome.agreement;
        report.gates.gates.push_back({"min-agreement", *gates.min_agreement, percent, percent >= *gates.min_agreement});
    }
    std::vector<const FactorizedLayer*> order;
    for (const FactorizedLayer& layer : outcome.layers) order.push_back(&layer);
    std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return error_of(*a) > error_of(*b); });
    for (std::size_t at = 0; at < std::min(kNamed, order.size()); ++at)
        report.gates.worst.push_back(
            format("{} ({}): rank {}, error {:.2f} %", order[at]->node, order[at]->op, order[at]->rank, 100.0 * error_of(*order[at])));
}

}  // namespace

FactorizeReport factorize_model(const FactorizeRequest& request) {
    if (request.options.energy.has_value() == request.options.ratio.has_value())
        throw Error(codes::kUsage, "give either --energy or --ratio",
                    "--energy 0.99 keeps that share of each layer's output, --ratio 0.7 that share of the MACs");
    check_share("--energy", request.options.energy);
    check_share("--ratio", request.options.ratio);
    if (request.gates.are_asked() && !request.options.data)
        throw Error(codes::kUsage, "--min-sqnr and --min-agreement need --data to measure on");
    FactorizeReport report;
    report.energy = request.options.energy;
    report.ratio = request.options.ratio;
    report.gate = request.options.gate;
    report.data = request.data_name;
    report.samples = request.options.data ? request.options.data->size() : 0;
    auto model = load_prepared(request.model, report.passes);
    report.before = summarize(*model, request.model);
    FactorizeOptions options = request.options;
    options.data = in_batches(*model->graph, options.data);
    for (const std::string& selector : request.exclude)
        for (const std::string& node : select_nodes(*model->graph, selector)) options.keep.emplace(node, "excluded by name");
    report.outcome = factorize_graph(*model->graph, options);
    if (!options.data)
        report.warnings.emplace_back("factorized without data: ranks follow from the weights alone, and with --data the same ranks would "
                                     "cost a fraction of the error");
    judge(request.gates, report);
    if (!report.gates.are_met()) return report;
    report.after = emit_and_summarize(*model, request.output, request.stamp);
    return report;
}

}  // namespace mcompress
