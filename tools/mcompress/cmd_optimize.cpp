// mcompress optimize MODEL -o OUT
#include <cstdio>
#include <memory>

#include "command.h"
#include "output_path.h"
#include "pipeline/compress.h"
#include "report/json.h"
#include "report/text.h"
#include "support/log.h"

namespace mcompress {

CommandRun configure_optimize(CLI::App& app, const GlobalOptions&) {
    struct Options {
        std::string model;
        std::string output;
        bool force = false;
        bool json = false;
    };
    auto options = std::make_shared<Options>();
    app.add_option("model", options->model, "ONNX model")->required();
    app.add_option("-o,--output", options->output, "Where to write (default: <model>.optimized.onnx beside the model)");
    app.add_flag("--force", options->force, "Overwrite an existing file");
    app.add_flag("--json", options->json, "Print JSON");
    return [options] {
        const auto output =
            choose_output(options->output, options->model, ".optimized.onnx", options->force ? Overwrite::Force : Overwrite::Refuse);
        const OptimizeReport report = optimize_model(options->model, output);
        std::fputs((options->json ? to_json(report) : to_text(report)).c_str(), stdout);
        log_info("wrote {}", output.string());
        return 0;
    };
}

}  // namespace mcompress
