// mcompress optimize MODEL -o OUT
#include <memory>

#include "command.h"
#include "data_options.h"
#include "dry_run.h"
#include "output_path.h"
#include "pipeline/compress.h"
#include "report_options.h"
#include "sparse_option.h"
#include "stamp_options.h"
#include "support/log.h"

namespace mcompress {

CommandRun configure_optimize(CLI::App& app, const GlobalOptions& global) {
    struct Options {
        std::string model;
        std::string output;
        SparseFormat sparse_format = SparseFormat::Dense;
        bool strip = false;
        bool force = false;
        ReportFlags report;
    };
    auto options = std::make_shared<Options>();
    app.add_option("model", options->model, "ONNX model")->required();
    app.add_option("-o,--output", options->output, "Where to write (default: <model>.optimized.onnx beside the model)");
    add_sparse_format(app, options->sparse_format);
    app.add_flag(
        "--strip", options->strip,
        "Short names for the values inside, none for operators, and no declared types that inference finds again: a smaller file, but "
        "what reports say of layers is hard to find in the original");
    app.add_flag("--force", options->force, "Overwrite an existing file");
    add_report_flags(app, options->report);
    return [options, &global] {
        const auto output = choose_output(options->output, options->model, ".optimized.onnx",
                                          options->force ? Overwrite::Force : Overwrite::Refuse, global);
        const OptimizeReport report = optimize_model(options->model, output,
                                                     {.sparse = options->sparse_format,
                                                      .inside = options->strip ? Inside::Strip : Inside::Keep,
                                                      .stamp = stamp_with(global, {}),
                                                      .planned = planned_files(global),
                                                      .progress = make_stage_progress(global.quiet)});
        put_report(report, options->report, global);
        log_info("wrote {}", output.string());
        return 0;
    };
}

}  // namespace mcompress
