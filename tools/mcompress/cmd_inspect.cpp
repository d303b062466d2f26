// mcompress inspect MODEL
#include <memory>

#include "command.h"
#include "onnx/load.h"
#include "ops/infer.h"
#include "pipeline/summarize.h"
#include "report_options.h"

namespace mcompress {

CommandRun configure_inspect(CLI::App& app, const GlobalOptions& global) {
    struct Options {
        std::string model;
        ReportFlags report;
    };
    auto options = std::make_shared<Options>();
    app.add_option("model", options->model, "ONNX model")->required();
    add_report_flags(app, options->report);
    return [options, &global] {
        const auto model = load_model(options->model);
        infer_types(*model->graph);
        const ModelSummary summary = summarize(*model, options->model);
        put_report(summary, options->report, global);
        return 0;
    };
}

}  // namespace mcompress
