// mcompress explain [CODE]
#include <algorithm>
#include <cctype>
#include <memory>

#include "command.h"
#include "report/error_report.h"
#include "report_options.h"
#include "support/error.h"
#include "support/nearest.h"

namespace mcompress {

namespace {

ErrorReport look_up(std::string code) {
    if (code.empty()) return {{all_errors().begin(), all_errors().end()}};
    std::transform(code.begin(), code.end(), code.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    if (const ErrorEntry* const entry = find_error(code)) return {{*entry}};
    std::vector<std::string> known;
    for (const ErrorEntry& entry : all_errors()) known.emplace_back(entry.code.id);
    const std::string nearest = nearest_word(code, known);
    throw Error(codes::kUsage, format("there is no error code '{}'", code),
                nearest.empty() ? "mcompress explain lists all" : format("did you mean '{}'?", nearest));
}

}  // namespace

CommandRun configure_explain(CLI::App& app, const GlobalOptions& global) {
    struct Options {
        std::string code;
        ReportFlags report;
    };
    auto options = std::make_shared<Options>();
    app.add_option("code", options->code, "An error code as in error[E3004] (default: all of them)");
    add_report_flags(app, options->report);
    return [options, &global] {
        put_report(look_up(options->code), options->report, global);
        return 0;
    };
}

}  // namespace mcompress
