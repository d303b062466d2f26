// mcompress check MODEL
#include <memory>

#include "command.h"
#include "pipeline/check_model.h"
#include "report_options.h"

namespace mcompress {

CommandRun configure_check(CLI::App& app, const GlobalOptions& global) {
    struct Options {
        std::string model;
        bool strict = false;
        std::size_t limit = 50;
        ReportFlags report;
    };
    auto options = std::make_shared<Options>();
    app.add_option("model", options->model, "ONNX model")->required();
    app.add_flag("--strict", options->strict, "Gate: no warnings either, else exit code 1");
    app.add_option("--limit", options->limit, "Most findings that text shows; other forms have all")->capture_default_str();
    add_report_flags(app, options->report, ReportKind::Judged);
    return [options, &global] {
        CheckReport report = check_model(options->model, thread_count(global));
        report.most_shown = options->limit;
        if (options->strict) report.warnings = WarningPolicy::Refuse;
        put_report(report, options->report, global);
        if (report.count(Severity::Error) > 0) return static_cast<int>(ErrorKind::Model);
        return options->strict && report.count(Severity::Warning) > 0 ? static_cast<int>(ErrorKind::Gate) : 0;
    };
}

}  // namespace mcompress
