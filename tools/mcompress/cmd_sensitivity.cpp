// mcompress sensitivity MODEL --data D
#include <memory>

#include "command.h"
#include "data_options.h"
#include "pipeline/measure_sensitivity.h"
#include "report_options.h"

namespace mcompress {

CommandRun configure_sensitivity(CLI::App& app, const GlobalOptions& global) {
    struct Options {
        std::string model;
        std::string metric = "sqnr";
        std::string method = std::string(kDefaultRangeMethod);
        std::string state;
        std::vector<std::string> exclude;
        DataFlags data;
        std::size_t measure_on = 16;
        std::size_t random_sets = 5;
        std::size_t megabytes = 192;
        ReportFlags report;
    };
    auto options = std::make_shared<Options>();
    app.add_option("model", options->model, "ONNX model")->required();
    add_data_flags(app, options->data, DataNeed::Required);
    app.add_option("--metric", options->metric,
                   "What is ranked by: sqnr (noise at the outputs), kl or agreement (of a classifier's decisions)")
        ->check(CLI::IsMember({"sqnr", "kl", "agreement"}))
        ->capture_default_str();
    app.add_option("--method", options->method, "Range method, as of quantize")->capture_default_str();
    app.add_option("--exclude", options->exclude, "Names of nodes to leave in float");
    app.add_option("--measure-on", options->measure_on, "Samples to measure on; all of the data calibrates")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    app.add_option("--random-sets", options->random_sets, "Random halves of the sources to check that effects add up (0: none)")
        ->capture_default_str();
    app.add_option("--memory", options->megabytes, "MB of float activations to keep")->check(CLI::PositiveNumber)->capture_default_str();
    app.add_option("--state", options->state, "File for what is measured already; a run that was interrupted goes on from it");
    add_report_flags(app, options->report);
    return [options, &global] {
        const auto data = open_flagged_data(options->data, options->model);
        SensitivityRequest request{.model = options->model,
                                   .data = data.get(),
                                   .data_name = options->data.data,
                                   .metric = options->metric,
                                   .samples = options->measure_on,
                                   .random_sets = options->random_sets,
                                   .memory_bytes = options->megabytes << 20,
                                   .state = options->state,
                                   .threads = thread_count(global),
                                   .progress = make_stage_progress(global.quiet)};
        request.scheme.range_method = options->method;
        request.scheme.exclude = options->exclude;
        const SensitivityReport report = measure_sensitivity(request);
        put_report(report, options->report, global);
        return 0;
    };
}

}  // namespace mcompress
