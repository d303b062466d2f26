// mcompress compact MODEL -o OUT
#include <memory>

#include "command.h"
#include "data_options.h"
#include "dry_run.h"
#include "output_path.h"
#include "pipeline/compact_model.h"
#include "report_options.h"
#include "stamp_options.h"
#include "support/log.h"

namespace mcompress {

CommandRun configure_compact(CLI::App& app, const GlobalOptions& global) {
    struct Options {
        std::string model;
        std::string output;
        bool force = false;
        ReportFlags report;
    };
    auto options = std::make_shared<Options>();
    app.add_option("model", options->model, "ONNX model, pruned or masked by any tool")->required();
    app.add_option("-o,--output", options->output, "Where to write (default: <model>.compact.onnx beside the model)");
    app.add_flag("--force", options->force, "Overwrite an existing file");
    add_report_flags(app, options->report);
    return [options, &global] {
        const std::filesystem::path output =
            choose_output(options->output, options->model, ".compact.onnx", options->force ? Overwrite::Force : Overwrite::Refuse, global);
        const CompactReport report =
            compact_model(options->model, output, stamp_with(global, {}), planned_files(global), make_stage_progress(global.quiet));
        put_report(report, options->report, global);
        log_info("wrote {}", output.string());
        return 0;
    };
}

}  // namespace mcompress
