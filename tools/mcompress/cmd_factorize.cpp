// mcompress factorize MODEL --energy E | --ratio R [--data D] -o OUT
#include <memory>

#include "command.h"
#include "data_options.h"
#include "dry_run.h"
#include "enum_option.h"
#include "option_range.h"
#include "output_path.h"
#include "pipeline/factorize_model.h"
#include "report_options.h"
#include "stamp_options.h"
#include "support/error.h"
#include "support/log.h"

namespace mcompress {

CommandRun configure_factorize(CLI::App& app, const GlobalOptions& global) {
    struct Options {
        FactorizeRequest request;
        std::string model;
        std::string output;
        double energy = 0.0, ratio = 0.0;
        DataFlags data;
        FitnessFlags fitness;
        bool force = false;
        ReportFlags report;
    };
    auto options = std::make_shared<Options>();
    app.add_option("model", options->model, "ONNX model, in float")->required();
    auto* energy = app.add_option("--energy", options->energy, "Share of each layer's output energy to keep, with the fewest MACs: 0.99");
    app.add_option("--ratio", options->ratio, "Share of the MACs of all layers that can be factorized to keep, where it costs least: 0.7")
        ->excludes(energy);
    add_enum_option<CostGate>(
        app, "--time", options->request.options.gate, {{"measured", CostGate::Measured}, {"macs", CostGate::Macs}},
        "measured: only where MACs and the time on this machine fall (default); macs: MACs alone, the same file on every machine");
    app.add_option("--exclude", options->request.exclude, "Nodes to leave alone: name, wildcard, /regular expression/, type:Op or a..b");
    app.add_option("-o,--output", options->output, "Where to write (default: <model>.factorized.onnx beside the model)");
    app.add_flag("--force", options->force, "Overwrite an existing file");
    FactorizeGates& gates = options->request.gates;
    app.add_option("--min-sqnr", gates.min_sqnr,
                   "Gate, with --data: output SQNR in dB on held-out samples, else exit code 1 and nothing is written");
    app.add_option("--min-agreement", gates.min_agreement, "Gate, with --data: percent of equal decisions on held-out samples")
        ->check(in_range(0.0, 100.0));
    add_report_flags(app, options->report, ReportKind::Judged);
    add_data_flags(app, options->data, DataNeed::Optional);
    add_unfit_flag(app, options->fitness);
    return [options, &app, &global] {
        FactorizeRequest& request = options->request;
        if (app.count("--energy") > 0) request.options.energy = options->energy;
        if (app.count("--ratio") > 0) request.options.ratio = options->ratio;
        request.model = options->model;
        request.output = choose_output(options->output, options->model, ".factorized.onnx",
                                       options->force ? Overwrite::Force : Overwrite::Refuse, global);
        const CalibrationData data = open_calibration_data(options->data, options->fitness, options->model, thread_count(global));
        request.options.data = data.samples;
        request.data_name = data.name;
        request.options.threads = thread_count(global);
        request.options.progress = make_progress("factorizing", global.quiet);
        request.stamp = stamp_with(global, {data.samples.get()});
        FactorizeReport report = factorize_model(request);
        report.warnings.insert(report.warnings.end(), data.doubts.begin(), data.doubts.end());
        for (const std::string& warning : report.warnings) log_warning("{}", warning);
        put_report(report, options->report, global);
        if (!report.gates.are_met()) return static_cast<int>(ErrorKind::Gate);
        log_info("wrote {}", request.output.string());
        return 0;
    };
}

}  // namespace mcompress
