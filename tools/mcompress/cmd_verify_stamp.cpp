// mcompress verify-stamp MODEL [--input ORIGINAL] [--data D] [--recipe R]
#include <memory>

#include "command.h"
#include "data/data_digest.h"
#include "data_options.h"
#include "pipeline/verify_stamp.h"
#include "report_options.h"
#include "run_recipe.h"
#include "stamp_options.h"

namespace mcompress {

CommandRun configure_verify_stamp(CLI::App& app, const GlobalOptions& global) {
    struct Options {
        std::string model;
        std::string input;
        std::string recipe;
        DataFlags data;
        ReportFlags report;
    };
    auto options = std::make_shared<Options>();
    app.add_option("model", options->model, "ONNX model that was written with --stamp")->required();
    app.add_option("--input", options->input, "The model it is said to be made of");
    app.add_option("--recipe", options->recipe, "The recipe (.json) it is said to be made with; --save-recipe writes one");
    add_report_flags(app, options->report);
    add_data_flags(app, options->data, DataNeed::Optional);
    return [options, &global] {
        VerifyStampRequest request{.model = options->model, .input = options->input, .recipe = {}, .data = {}};
        if (!options->recipe.empty()) request.recipe = recipe_digest(effective_recipe(load_recipe(options->recipe)));
        if (!options->data.data.empty()) {
            const std::string& fitting = options->input.empty() ? options->model : options->input;
            request.data = data_digest(*open_flagged_data(options->data, fitting), thread_count(global));
        }
        const StampReport report = verify_stamp(request);
        put_report(report, options->report, global);
        return report.matches() ? 0 : static_cast<int>(ErrorKind::Gate);
    };
}

}  // namespace mcompress
