// How long models take.
#include <algorithm>
#include <filesystem>
#include <numeric>

#include "report/describe.h"
#include "support/error.h"

namespace mcompress {

namespace {

std::string file_name(const std::string& path) { return printable(std::filesystem::path(path).filename().string()); }

const PeakRates* peak_of(const BenchReport& report, int threads) {
    for (const auto& [count, rates] : report.peaks)
        if (count == threads) return &rates;
    return nullptr;
}

/// The peak a step in that precision could reach.
double peak_for(const PeakRates& rates, const std::string& precision) {
    const bool is_integer = precision.starts_with("u8") || precision.starts_with("s8");
    return is_integer && rates.int8 > 0.0 ? rates.int8 : rates.f32;
}

TextTable steps_table(const BenchReport& report, const BenchRow& row) {
    TextTable table({{"step", Align::Left},
                     {"operators", Align::Left},
                     {"kernel", Align::Left},
                     {"precision", Align::Left},
                     {"ms", Align::Right},
                     {"cold", Align::Right},
                     {"share", Align::Right},
                     {"GOP/s", Align::Right},
                     {"of peak", Align::Right}});
    const PeakRates* peak = peak_of(report, row.threads);
    for (std::size_t at = 0; at < row.steps.size(); ++at) {
        const StepInfo& step = row.steps[at];
        const double ms = row.step_ms[at], gops = ms > 0.0 ? 2e-6 * static_cast<double>(step.macs) / ms : 0.0;
        table.add_row({printable(step.name), step.op, step.kernel, step.precision, format("{:.4f}", ms),
                       ms > 0.0 ? format("{:.2f}x", row.step_within_runs_ms[at] / ms) : "", percent(ms / row.steps_ms, 1),
                       step.macs > 0 ? format("{:.0f}", gops) : "",
                       step.macs > 0 && peak ? percent(gops / peak_for(*peak, step.precision), 0) : ""});
    }
    return table;
}

std::string steps_title(const BenchRow& row) {
    return format("{}, batch {}, {} thread{}: {:.3f} ms in {} steps, {} of it in reorders", file_name(row.model), row.batch, row.threads,
                  row.threads == 1 ? "" : "s", row.steps_ms, row.steps.size(), percent(row.reorders_ms / row.steps_ms, 1));
}

/// Empty when the machine was quiet.
std::string contention_line(const Contention& contention) {
    if (!contention.is_measurable) return "whether the machine was quiet could not be told";
    if (!contention.is_contended()) return "";
    return format("CONTENDED: other processes kept {:.1f} processors busy and a thread waited {} of the time; these times mean little. "
                  "Run on a quiet machine, or with --threads 1.",
                  contention.others, percent(contention.waiting, 1));
}

}  // namespace

Document describe(const BenchReport& report) {
    std::vector<std::pair<std::string, Align>> columns{
        {"model", Align::Left},        {"batch", Align::Right},  {"threads", Align::Right},   {"median ms", Align::Right},
        {"p90 ms", Align::Right},      {"min ms", Align::Right}, {"samples/s", Align::Right}, {"GOP/s", Align::Right},
        {"overhead", Align::Right},    {"cold", Align::Right},   {"reorders", Align::Right},  {"compile ms", Align::Right},
        {"first run ms", Align::Right}};
    if (!report.opponent.empty()) {
        columns.emplace_back(file_name(report.opponent) + " ms", Align::Right);
        columns.emplace_back("speedup", Align::Right);
    }
    TextTable table(std::move(columns));
    for (const BenchRow& row : report.rows) {
        std::vector<std::string> cells{file_name(row.model),
                                       std::to_string(row.batch),
                                       std::to_string(row.threads),
                                       format("{:.3f}", row.latency.median_ms),
                                       format("{:.3f}", row.latency.p90_ms),
                                       format("{:.3f}", row.latency.minimum_ms),
                                       format("{:.1f}", row.samples_per_second()),
                                       row.macs > 0 ? format("{:.0f}", row.gops()) : "",
                                       row.steps_ms > 0.0 ? format("{:.2f}x", row.latency.median_ms / row.steps_within_runs_ms) : "",
                                       row.steps_ms > 0.0 ? format("{:.2f}x", row.steps_within_runs_ms / row.steps_ms) : "",
                                       row.steps_ms > 0.0 ? percent(row.reorders_ms / row.steps_ms, 1) : "",
                                       format("{:.1f}", row.compile_ms),
                                       format("{:.1f}", row.first_run_ms)};
        if (row.opponent) {
            cells.push_back(format("{:.3f}", row.opponent->median_ms));
            cells.push_back(format("{:.2f}x", row.speedup));
        }
        table.add_row(std::move(cells));
    }
    Document document("bench");
    document.table(std::move(table));
    BarChart medians{"median latency", {}};
    for (const BenchRow& row : report.rows)
        medians.bars.push_back(
            {format("{}, batch {}, {} thread{}", file_name(row.model), row.batch, row.threads, row.threads == 1 ? "" : "s"),
             row.latency.median_ms, format("{:.3f} ms", row.latency.median_ms)});
    document.chart(std::move(medians));
    document.paragraph("overhead: median over the sum of the steps' own times in whole runs; cold: that sum over the one with each step "
                       "repeated in a row");
    for (const auto& [threads, rates] : report.peaks)
        document.fact("peak", format("of this machine, {} thread{}: {:.0f} GOP/s float{}", threads, threads == 1 ? "" : "s", rates.f32,
                                     rates.int8 > 0.0 ? format(", {:.0f} GOP/s int8", rates.int8) : ""));
    for (const BenchRow& row : report.rows) {
        if (row.step_ms.empty() || report.step_detail == StepDetail::Hidden) continue;
        document.paragraph(steps_title(row));
        document.table(steps_table(report, row));
    }
    if (const std::string line = contention_line(report.contention); !line.empty()) document.paragraph(line, Tone::Bad);
    return document;
}

}  // namespace mcompress
