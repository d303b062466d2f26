// mcompress convert MODEL --quant-format qdq|qoperator | --to fp16|bf16|fp32 -o OUT
#include <memory>

#include "command.h"
#include "data_options.h"
#include "dry_run.h"
#include "enum_option.h"
#include "option_range.h"
#include "output_path.h"
#include "pipeline/convert_float_model.h"
#include "pipeline/convert_model.h"
#include "report_options.h"
#include "stamp_options.h"
#include "support/log.h"

namespace mcompress {

namespace {

struct Options {
    ConvertRequest request;
    FloatConvertRequest floats;
    std::string to;
    std::string io = "keep";
    DataFlags data;
    std::optional<double> min_sqnr, max_drop;
    std::string model;
    std::string output;
    bool refuse_unfit = false;
    bool force = false;
    ReportFlags report;

    Overwrite overwrite() const { return force ? Overwrite::Force : Overwrite::Refuse; }
};

DType float_type(const std::string& name) {
    if (name == "fp16") return DType::Float16;
    return name == "bf16" ? DType::BFloat16 : DType::Float32;
}

int convert_form(Options& options, const GlobalOptions& global) {
    const char* suffix = options.request.form == QuantizedForm::Qdq ? ".qdq.onnx" : ".qoperator.onnx";
    options.request.model = options.model;
    options.request.output = choose_output(options.output, options.model, suffix, options.overwrite(), global);
    options.request.stamp = stamp_with(global, {});
    options.request.planned = planned_files(global);
    const ConvertReport report = convert_model(options.request);
    put_report(report, options.report, global);
    log_info("wrote {}", options.request.output.string());
    return 0;
}

int convert_floats(Options& options, const GlobalOptions& global) {
    FloatConvertRequest& request = options.floats;
    request.model = options.model;
    request.output = choose_output(options.output, options.model, format(".{}.onnx", options.to), options.overwrite(), global);
    request.conversion.to = float_type(options.to);
    request.conversion.interface = options.io == "keep" ? FloatConversion::Interface::Keep : FloatConversion::Interface::Convert;
    request.unfit = options.refuse_unfit ? UnfitConstants::Refuse : UnfitConstants::KeepFloat;
    request.goal = {options.min_sqnr, options.max_drop};
    if (request.goal.is_asked() && (options.data.data.empty() || options.to == "fp32"))
        throw Error(codes::kUsage, "--min-sqnr and --max-drop need --to fp16 or bf16, and --data to measure on");
    std::unique_ptr<Dataset> data;
    if (!options.data.data.empty()) {
        data = open_flagged_data(options.data, options.model);
        request.data = data.get();
        request.data_name = options.data.data;
    }
    request.threads = thread_count(global);
    request.progress = make_progress("observing ranges", global.quiet);
    request.stamp = stamp_with(global, {request.data});
    rehearse(request, global);
    FloatReport report = convert_float_model(request);
    if (options.to == "fp16" && !request.data) {
        // Constants are counted, but what layers compute from them can overflow as well.
        report.notes.push_back({"values", "",
                                "it is not known whether computed values pass 65504, the largest of float16: --data finds out and keeps "
                                "such nodes in float32"});
        log_warning("without --data it is not known whether computed values pass 65504, the largest of float16");
    }
    put_report(report, options.report, global);
    if (!report.gates.are_met()) return static_cast<int>(ErrorKind::Gate);
    log_info("wrote {}", request.output.string());
    return 0;
}

void add_float_options(CLI::App& app, Options& options, CLI::Option* to) {
    FloatConversion& conversion = options.floats.conversion;
    app.add_option("--io", options.io, "With --to: whether graph inputs and outputs keep their types, or are converted too")
        ->check(CLI::IsMember({"keep", "convert"}))
        ->capture_default_str()
        ->needs(to);
    app.add_option("--exclude", options.floats.exclude,
                   "With --to: nodes that stay as they are: names, patterns (*, ?), /expressions/, type:OP, from..to")
        ->needs(to);
    app.add_option("--max-overflow", conversion.max_overflow,
                   "With --to: numbers of a constant that may exceed the range and become the largest finite one; beyond, its nodes stay")
        ->capture_default_str()
        ->check(CLI::NonNegativeNumber)
        ->needs(to);
    app.add_option("--max-flushed", conversion.max_flushed,
                   "With --to: share of a constant's numbers other than 0 that may become 0; beyond, its nodes stay")
        ->capture_default_str()
        ->check(in_range(0.0, 1.0))
        ->needs(to);
    app.add_option("--max-magnitude", conversion.max_magnitude,
                   "With --to fp16 and --data: observed magnitude beyond which nodes stay in float32")
        ->capture_default_str()
        ->check(in_range(1.0, 65504.0))
        ->needs(to);
    app.add_option("--min-sqnr", options.min_sqnr,
                   "With --to fp16|bf16 and --data: dB that every output must reach; nodes stay until it does")
        ->needs(to);
    app.add_option("--max-drop", options.max_drop,
                   "With --to fp16|bf16 and --data: percentage points of decisions that may differ; nodes stay until no more do")
        ->check(in_range(0.0, 100.0))
        ->needs(to);
    app.add_flag("--refuse-unfit", options.refuse_unfit,
                 "With --to: fail when a constant exceeds these limits, instead of leaving its nodes")
        ->needs(to);
}

}  // namespace

CLI::Option* add_quant_format(CLI::App& app, QuantizedForm& form) {
    return add_enum_option<QuantizedForm>(app, "--quant-format", form,
                                          {{"qdq", QuantizedForm::Qdq}, {"qoperator", QuantizedForm::QOperator}},
                                          "qdq: quantizers around float operators; qoperator: operators on codes (QLinearConv …)");
}

CommandRun configure_convert(CLI::App& app, const GlobalOptions& global) {
    auto options = std::make_shared<Options>();
    app.add_option("model", options->model, "ONNX model")->required();
    auto* form = add_quant_format(app, options->request.form);
    auto* to = app.add_option("--to", options->to, "Float type to compute and store in: fp16, bf16, or fp32 (which undoes the others)")
                   ->check(CLI::IsMember({"fp16", "bf16", "fp32"}))
                   ->excludes(form);
    app.add_option("-o,--output", options->output, "Where to write (default: <model>.qdq.onnx, <model>.fp16.onnx … beside the model)");
    add_float_options(app, *options, to);
    add_data_flags(app, options->data, DataNeed::Optional);
    app.add_flag("--force", options->force, "Overwrite an existing file");
    add_report_flags(app, options->report, ReportKind::Judged);
    return [=, &global] {
        if ((form->count() > 0) == (to->count() > 0))
            throw Error(codes::kUsage, "say what to convert to: --quant-format qdq|qoperator, or --to fp16|bf16|fp32");
        return to->count() > 0 ? convert_floats(*options, global) : convert_form(*options, global);
    };
}

}  // namespace mcompress
