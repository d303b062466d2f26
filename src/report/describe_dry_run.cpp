// What a command would do, for people.
#include "report/dry_run_report.h"
#include "report/text_table.h"
#include "support/format.h"

namespace mcompress {

std::uint64_t Prediction::bytes() const {
    std::uint64_t all = 0;
    for (const PredictedFile& file : files) all += file.bytes;
    return all;
}

Document describe(const DryRunReport& report) {
    Document document(format("{} {}, not carried out", report.command, report.model));
    if (report.prediction) {
        const Prediction& prediction = *report.prediction;
        TextTable files({{"would write", Align::Left}, {"bytes", Align::Right}});
        for (const PredictedFile& file : prediction.files)
            files.add_row({file.path, with_thousands(static_cast<std::int64_t>(file.bytes))});
        document.table(std::move(files));
        const double share =
            report.model_bytes > 0 ? 100.0 * static_cast<double>(prediction.bytes()) / static_cast<double>(report.model_bytes) : 0.0;
        document.fact("size", format("{} of {} ({:.1f} %)", human_bytes(prediction.bytes()), human_bytes(report.model_bytes), share));
        document.fact("peak memory", human_bytes(prediction.peak_memory));
        document.fact("time", prediction.seconds < 10.0 ? format("about {:.1f} s", prediction.seconds)
                                                        : format("about {:.0f} s", prediction.seconds));
        if (report.samples > 0) document.fact("samples", std::to_string(report.samples));
    }
    for (const Error& problem : report.problems)
        document.paragraph(format("would fail: error[{}]: {}{}", problem.code().id, problem.message(),
                                  problem.remedy().empty() ? "" : "; " + problem.remedy()),
                           Tone::Bad);
    for (const std::string& note : report.notes) document.paragraph(note);
    return document;
}

}  // namespace mcompress
