// mcompress diff A B
#include <memory>

#include "command.h"
#include "pipeline/diff_models.h"
#include "report_options.h"

namespace mcompress {

CommandRun configure_diff(CLI::App& app, const GlobalOptions& global) {
    struct Options {
        std::string before;
        std::string after;
        bool exit_code = false;
        std::size_t limit = 20;
        ReportFlags report;
    };
    auto options = std::make_shared<Options>();
    app.add_option("before", options->before, "ONNX model")->required();
    app.add_option("after", options->after, "The model to compare with it")->required();
    app.add_flag("--exit-code", options->exit_code, "Gate: exit code 1 when the models are not identical");
    app.add_option("--limit", options->limit, "Most rows of a table that text shows; JSON has all")->capture_default_str();
    add_report_flags(app, options->report, ReportKind::Judged);
    return [options, &global] {
        DiffReport report = diff_models(options->before, options->after);
        report.most_shown = options->limit;
        report.must_be_identical = options->exit_code;
        put_report(report, options->report, global);
        return options->exit_code && !report.is_identical ? static_cast<int>(ErrorKind::Gate) : 0;
    };
}

}  // namespace mcompress
