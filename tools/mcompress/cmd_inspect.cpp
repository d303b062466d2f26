// mcompress inspect MODEL
#include <cstdio>
#include <memory>

#include "command.h"
#include "onnx/load.h"
#include "ops/infer.h"
#include "pipeline/summarize.h"
#include "report/json.h"
#include "report/text.h"

namespace mcompress {

CommandRun configure_inspect(CLI::App& app, const GlobalOptions&) {
    struct Options {
        std::string model;
        bool json = false;
    };
    auto options = std::make_shared<Options>();
    app.add_option("model", options->model, "ONNX model")->required();
    app.add_flag("--json", options->json, "Print JSON");
    return [options] {
        const auto model = load_model(options->model);
        infer_types(*model->graph);
        const ModelSummary summary = summarize(*model, options->model);
        std::fputs((options->json ? to_json(summary) : to_text(summary)).c_str(), stdout);
        return 0;
    };
}

}  // namespace mcompress
