// mcompress convert MODEL --quant-format qdq|qoperator -o OUT
#include <memory>

#include "command.h"
#include "output_path.h"
#include "pipeline/convert_model.h"
#include "report_options.h"
#include "support/log.h"

namespace mcompress {

CLI::Option* add_quant_format(CLI::App& app, QuantizedForm& form) {
    const std::map<std::string, QuantizedForm> names{{"qdq", QuantizedForm::Qdq}, {"qoperator", QuantizedForm::QOperator}};
    return app.add_option("--quant-format", form, "qdq: quantizers around float operators; qoperator: operators on codes (QLinearConv …)")
        ->transform(CLI::CheckedTransformer(names, CLI::ignore_case).description("{qdq,qoperator}"));
}

CommandRun configure_convert(CLI::App& app, const GlobalOptions& global) {
    struct Options {
        ConvertRequest request;
        std::string model;
        std::string output;
        bool force = false;
        ReportFlags report;
    };
    auto options = std::make_shared<Options>();
    app.add_option("model", options->model, "ONNX model")->required();
    add_quant_format(app, options->request.form)->required();
    app.add_option("-o,--output", options->output, "Where to write (default: <model>.qdq.onnx or <model>.qoperator.onnx beside the model)");
    app.add_flag("--force", options->force, "Overwrite an existing file");
    add_report_flags(app, options->report);
    return [options, &global] {
        const char* suffix = options->request.form == QuantizedForm::Qdq ? ".qdq.onnx" : ".qoperator.onnx";
        options->request.model = options->model;
        options->request.output =
            choose_output(options->output, options->model, suffix, options->force ? Overwrite::Force : Overwrite::Refuse);
        const ConvertReport report = convert_model(options->request);
        put_report(report, options->report, global);
        log_info("wrote {}", options->request.output.string());
        return 0;
    };
}

}  // namespace mcompress
