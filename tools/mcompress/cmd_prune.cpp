// mcompress prune MODEL --sparsity S [--data D] -o OUT
#include <map>
#include <memory>

#include "command.h"
#include "data_options.h"
#include "dry_run.h"
#include "option_range.h"
#include "output_path.h"
#include "pipeline/prune_model.h"
#include "report_options.h"
#include "sparse_option.h"
#include "stamp_options.h"
#include "support/error.h"
#include "support/log.h"
#include "support/plain_text.h"

namespace mcompress {
namespace {

struct Options {
    PruneRequest request;
    std::string model;
    std::string output;
    std::string criterion, scope, repair;  // empty: what suits the data
    std::vector<std::string> layer_sparsity;
    DataFlags data;
    FitnessFlags fitness;
    bool force = false;
    ReportFlags report;
};

/// "{a,b}" of a table, and which row is meant.
template <typename Rows> std::vector<std::string> names_of(const Rows& rows) {
    std::vector<std::string> names;
    for (const auto& row : rows) names.emplace_back(row.name);
    return names;
}

double share_of(const std::string& text) {
    const auto share = read_number<double>(text);
    if (!share || !(*share >= 0.0 && *share <= 1.0))
        throw Error(codes::kUsage, format("'{}' is no share of zeros", text), "it lies between 0 and 1: 0.5 is half of the weights");
    return *share;
}

/// "SELECTOR=S"; names may hold '=' themselves.
SparsityOverride override_of(const std::string& text) {
    const std::size_t at = text.rfind('=');
    if (at == std::string::npos || at == 0)
        throw Error(codes::kUsage, format("'{}' is no share of zeros for a layer", text),
                    "write SELECTOR=S, as in --layer-sparsity 'conv1=0.3'");
    return {text.substr(0, at), share_of(text.substr(at + 1))};
}

void settle(Options& options, const CalibrationData& data) {
    PruneOptions& prune = options.request.options;
    if (options.criterion.empty()) options.criterion = data.samples ? "least-squares" : "magnitude";
    if (options.scope.empty()) options.scope = data.samples ? "measured" : "uniform";
    if (options.repair.empty()) options.repair = data.samples ? "full" : "none";
    for (const CriterionRow& row : all_criteria())
        if (row.name == options.criterion) prune.criterion = row.criterion;
    for (const ScopeRow& row : all_scopes())
        if (row.name == options.scope) prune.scope = row.scope;
    for (const RepairRow& row : all_repairs())
        if (row.name == options.repair) prune.repair = row.repair;
    for (const std::string& each : options.layer_sparsity) prune.choice.overrides.push_back(override_of(each));
    prune.data = data.samples;
    options.request.data_name = data.name;
}

void add_choices(CLI::App& app, Options& options) {
    PruneOptions& prune = options.request.options;
    std::string patterns;
    for (const PrunePatternRow& row : all_prune_patterns())
        patterns += (patterns.empty() ? "" : "; ") + std::string(row.name) + ": " + std::string(row.summary);
    app.add_option("--pattern", options.request.pattern, "Where zeros may lie. " + patterns)->capture_default_str();
    app.add_option("--criterion", options.criterion, "Which weights go (default: least-squares with data, else magnitude)")
        ->check(CLI::IsMember(names_of(all_criteria())));
    app.add_option("--scope", options.scope, "How many zeros each layer gets (default: measured with data, else uniform)")
        ->check(CLI::IsMember(names_of(all_scopes())));
    app.add_option("--repair", options.repair,
                   "full: fit what is left to the dense model (default with data); none: the criterion's weights; bare: its mask alone")
        ->check(CLI::IsMember(names_of(all_repairs())));
    app.add_option("--include", prune.choice.selection.include,
                   "Prune these nodes only: names, wildcards, /expressions/, type:Conv, from..to");
    app.add_option("--exclude", prune.choice.selection.exclude, "Leave these nodes as they are");
    app.add_option("--layer-sparsity", options.layer_sparsity, "SELECTOR=S: these nodes get a share of their own");
}

}  // namespace

CommandRun configure_prune(CLI::App& app, const GlobalOptions& global) {
    auto options = std::make_shared<Options>();
    options->request.options.sparsity = 0.0;
    app.add_option("model", options->model, "ONNX model, in float")->required();
    app.add_option("--sparsity", options->request.options.sparsity,
                   "Share of zeros over the weights that can be pruned: 0.5; N:M has its own")
        ->check(in_range(0.0, 1.0));
    app.add_option("--macs", options->request.macs, "Pattern channels: share of the multiply-accumulates to keep (1 - sparsity)")
        ->check(in_range(0.0, 1.0));
    app.add_option("--size", options->request.size, "Share of the constants' bytes to keep; if not of channels, once packed (.mcz)")
        ->check(in_range(0.0, 1.0));
    app.add_option(
           "--latency", options->request.latency,
           "Pattern channels: share of the time of one inference to keep, measured here with --data and --threads: not the same every "
           "time")
        ->check(in_range(0.0, 1.0));
    app.add_option("--round-to", options->request.round_to,
                   "Pattern channels: widths become multiples of it, from 16 on exactly (default: most of what goes in whole blocks of 16, "
                   "as kernels compute, the rest "
                   "in steps of 8)")
        ->check(in_range(1, 256));
    app.add_option("-o,--output", options->output, "Where to write (default: <model>.pruned.onnx beside the model)");
    add_choices(app, *options);
    add_sparse_format(app, options->request.sparse_format);
    app.add_flag("--force", options->force, "Overwrite an existing file");
    add_report_flags(app, options->report);
    add_data_flags(app, options->data, DataNeed::Optional);
    add_unfit_flag(app, options->fitness);
    return [options, &app, &global] {
        const auto& request = options->request;
        const bool has_share = app.count("--sparsity") > 0 || request.macs || request.size || request.latency;
        if (!has_share && request.pattern.find(':') == std::string::npos)
            throw Error(codes::kUsage, "how many weights are to go?",
                        "give --sparsity, as in --sparsity 0.5, or a pattern that says it (2:4)");
        options->request.model = options->model;
        options->request.output =
            choose_output(options->output, options->model, ".pruned.onnx", options->force ? Overwrite::Force : Overwrite::Refuse, global);
        const CalibrationData data = open_calibration_data(options->data, options->fitness, options->model, thread_count(global));
        settle(*options, data);
        options->request.options.threads = thread_count(global);
        options->request.options.progress = make_progress("pruning", global.quiet);
        options->request.stamp = stamp_with(global, {data.samples.get()});
        rehearse(options->request, global);
        PruneReport report = prune_model(options->request);
        report.warnings.insert(report.warnings.end(), data.doubts.begin(), data.doubts.end());
        for (const std::string& warning : report.warnings) log_warning("{}", warning);
        put_report(report, options->report, global);
        log_info("wrote {}", options->request.output.string());
        return 0;
    };
}

}  // namespace mcompress
