// mcompress inspect MODEL
#include <memory>

#include "command.h"
#include "onnx/load.h"
#include "ops/infer.h"
#include "pipeline/inspect_sizes.h"
#include "pipeline/summarize.h"
#include "report_options.h"

namespace mcompress {

CommandRun configure_inspect(CLI::App& app, const GlobalOptions& global) {
    struct Options {
        std::string model;
        bool sizes = false;
        ReportFlags report;
    };
    auto options = std::make_shared<Options>();
    app.add_option("model", options->model, "ONNX model")->required();
    app.add_flag("--sizes", options->sizes,
                 "Also compress it (zstd, a cheap level): bytes and zeros of every constant, bytes of an archive");
    add_report_flags(app, options->report);
    return [options, &global] {
        const auto model = load_model(options->model);
        infer_types(*model->graph);
        if (options->sizes) put_report(inspect_sizes(*model, options->model, thread_count(global)), options->report, global);
        else put_report(summarize(*model, options->model), options->report, global);
        return 0;
    };
}

}  // namespace mcompress
