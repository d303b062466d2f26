#include "pipeline/factorize_model.h"

#include "passes/quantize/select_nodes.h"
#include "pipeline/prepare.h"
#include "pipeline/summarize.h"
#include "support/error.h"

namespace mcompress {

namespace {

void check_share(const char* option, std::optional<double> share) {
    if (!share || (*share > 0.0 && *share < 1.0)) return;
    throw Error(codes::kUsage, format("{} {} is no share between 0 and 1", option, *share), "0.9 is nine tenths");
}

}  // namespace

FactorizeReport factorize_model(const FactorizeRequest& request) {
    if (request.options.energy.has_value() == request.options.ratio.has_value())
        throw Error(codes::kUsage, "give either --energy or --ratio",
                    "--energy 0.99 keeps that share of each layer's output, --ratio 0.7 that share of the MACs");
    check_share("--energy", request.options.energy);
    check_share("--ratio", request.options.ratio);
    FactorizeReport report;
    report.energy = request.options.energy;
    report.ratio = request.options.ratio;
    report.gate = request.options.gate;
    report.data = request.data_name;
    report.samples = request.options.data ? request.options.data->size() : 0;
    auto model = load_prepared(request.model, report.passes);
    report.before = summarize(*model, request.model);
    FactorizeOptions options = request.options;
    for (const std::string& selector : request.exclude)
        for (const std::string& node : select_nodes(*model->graph, selector)) options.keep.emplace(node, "excluded by name");
    report.outcome = factorize_graph(*model->graph, options);
    if (!options.data)
        report.warnings.emplace_back("factorized without data: ranks follow from the weights alone, and with --data the same ranks would "
                                     "cost a fraction of the error");
    report.after = emit_and_summarize(*model, request.output, request.stamp);
    return report;
}

}  // namespace mcompress
