// mcompress quantize MODEL [--data D | --calibration table.json] -o OUT
#include <memory>

#include "budget_options.h"
#include "command.h"
#include "data_options.h"
#include "dry_run.h"
#include "enum_option.h"
#include "output_path.h"
#include "pipeline/compress.h"
#include "report_options.h"
#include "scheme_options.h"
#include "stamp_options.h"
#include "support/error.h"
#include "support/log.h"
#include "weight_only_options.h"

namespace mcompress {

namespace {

struct Options {
    std::string model;
    std::string output;
    std::string calibration;
    std::string method = std::string(kDefaultRangeMethod);
    Effort effort = Effort::Balanced;
    DataFlags data;
    FitnessFlags fitness;
    WeightOnlyFlags weight_only;
    QuantizedForm form = QuantizedForm::Qdq;
    SchemeFlags scheme;
    BudgetFlags budget;
    bool dynamic = false;
    bool requantize = false;
    bool force = false;
    ReportFlags report;
};

void add_effort(CLI::App& app, Effort& effort) {
    add_enum_option<Effort>(app, "--effort", effort, {{"fast", Effort::Fast}, {"balanced", Effort::Balanced}, {"max", Effort::Max}},
                            "Time for accuracy: fast (statistics only), balanced (seconds), max (minutes)")
        ->default_str("balanced");
}

/// Where samples come from: one of --data, --synthetic, a table, or none at all.
void add_sample_flags(CLI::App& app, Options& options, CLI::Option* table, CLI::Option* dynamic) {
    add_data_flags(app, options.data, DataNeed::Optional);
    add_synthetic_flag(app, options.fitness);
    add_unfit_flag(app, options.fitness);
    for (const char* samples : {"--data", "--synthetic"}) {
        app.get_option(samples)->excludes(table);
        dynamic->excludes(app.get_option(samples));
    }
    dynamic->excludes(table);
}

void add_method(CLI::App& app, std::string& method) {
    std::string methods;
    for (const RangeMethod& row : all_range_methods()) methods += (methods.empty() ? "" : ", ") + std::string(row.name);
    app.add_option("--range-method,--method", method, "How ranges follow from what was seen: " + methods)->capture_default_str();
}

}  // namespace

CommandRun configure_quantize(CLI::App& app, const GlobalOptions& global) {
    auto options = std::make_shared<Options>();
    app.add_option("model", options->model, "ONNX model")->required();
    app.add_option("-o,--output", options->output, "Where to write (default: <model>.int8.onnx beside the model)");
    auto* table = app.add_option("--calibration", options->calibration, "A table made by mcompress calibrate, instead of --data");
    auto* dynamic = app.add_flag("--dynamic", options->dynamic,
                                 "Matrix products, LSTM and Attention, activation ranges found while the model runs: no data needed");
    add_weight_only_flags(app, options->weight_only);
    add_method(app, options->method);
    add_effort(app, options->effort);
    add_quant_format(app, options->form)->default_str("qdq");
    app.add_flag("--requantize", options->requantize,
                 "Take the quantization out of a model that is quantized already, then quantize it anew");
    add_target_flag(app, options->scheme);
    add_scheme_flags(app, options->scheme);
    app.add_flag("--force", options->force, "Overwrite an existing file");
    add_report_flags(app, options->report, ReportKind::Judged);
    add_sample_flags(app, *options, table, dynamic);
    dynamic->excludes(app.get_option("--overrides"))->excludes(app.get_option("--activations"))->excludes(app.get_option("--symmetric"));
    add_budget_flags(app, options->budget);
    app.get_option("--weight-only")->excludes(table)->excludes(dynamic)->excludes(app.get_option("--max-drop"));
    return [options, &global] {
        const auto output =
            choose_output(options->output, options->model, options->weight_only.dtype == "int4" ? ".int4.onnx" : ".int8.onnx",
                          options->force ? Overwrite::Force : Overwrite::Refuse, global);
        find_range_method(options->method);
        const CalibrationData data = open_calibration_data(options->data, options->fitness, options->model, thread_count(global));
        QuantizeRequest request{.model = options->model,
                                .output = output,
                                .scheme = flagged_scheme(options->scheme),
                                .data = data.samples.get(),
                                .calibration = options->calibration,
                                .data_name = data.name,
                                .form = options->form,
                                .threads = thread_count(global),
                                .progress = make_stage_progress(global.quiet)};
        request.scheme.range_method = options->method;
        request.scheme.effort = options->effort;
        apply_control(options->scheme, request);
        apply_weight_only(options->weight_only, data.samples ? Samples::Given : Samples::None, request.scheme);
        if (options->requantize) request.quantized_input = QuantizedInput::Dequantize;
        if (options->dynamic) request.scheme.activations = ActivationMode::Dynamic;
        if (options->fitness.synthetic > 0) request.metadata.emplace_back("mcompress.calibration_data", data.name);
        std::unique_ptr<Dataset> evaluation;
        request.budget = make_budget(options->budget, options->data, request.data, options->model, evaluation);
        const Dataset* read = options->fitness.synthetic > 0 ? nullptr : request.data;  // made-up samples follow from the options
        request.stamp = stamp_with(global, {read, evaluation.get()});
        rehearse(request, global);
        QuantizeReport report = quantize_model(request);
        for (const std::string& doubt : data.doubts) report.notes.push_back({"calibration data", "", doubt});
        put_report(report, options->report, global);
        if (report.budget && !report.budget->met) return static_cast<int>(ErrorKind::Gate);
        log_info("wrote {}", output.string());
        return 0;
    };
}

}  // namespace mcompress
