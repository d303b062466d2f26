#include "budget_options.h"

#include <charconv>
#include <cmath>

#include "data/labels.h"
#include "option_range.h"
#include "support/error.h"

namespace mcompress {

namespace {

std::string metric_of(const BudgetFlags& flags) {
    if (!flags.eval_command.empty()) return "command";
    if (!flags.labels.empty()) return "top1";
    return flags.metric.empty() ? "agreement" : flags.metric;
}

}  // namespace

double points_from(const std::string& text) {
    const std::string digits = text.ends_with('%') ? text.substr(0, text.size() - 1) : text;
    double value = -1.0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || !std::isfinite(value) || value < 0.0)
        throw Error(codes::kUsage, format("--max-drop '{}' is no number of points", text), "for example --max-drop 0.5%");
    return value;
}

void add_budget_flags(CLI::App& app, BudgetFlags& flags) {
    const char* group = "Accuracy budget";
    auto* drop = app.add_option("--max-drop", flags.max_drop,
                                "Points that may be lost (0.5%): the fewest nodes stay in float that keep to it; exit code 1 and no model "
                                "when it cannot be kept")
                     ->group(group);
    auto* metric = app.add_option("--metric", flags.metric,
                                  "What a point is 1 % of: agreement (decisions of a classifier that stay; default), sqnr (energy of the "
                                  "worst output), kl (a nat)")
                       ->check(CLI::IsMember({"agreement", "sqnr", "kl"}))
                       ->group(group);
    auto* labels = app.add_option("--labels", flags.labels, "Class of each evaluated sample: points of top-1 then")->group(group);
    auto* data = app.add_option("--eval-data", flags.eval_data, "Samples to evaluate on (default: --data)")->group(group);
    auto* command =
        app.add_option("--eval-cmd", flags.eval_command, "A command that gets a model file and prints its accuracy as the last line")
            ->group(group);
    auto* timeout = app.add_option("--eval-timeout", flags.eval_seconds, "Seconds that command may take")
                        ->check(CLI::PositiveNumber)
                        ->capture_default_str()
                        ->group(group);
    auto* share = app.add_option("--max-float-macs", flags.max_float_macs,
                                 "Percent of the multiply-accumulates that may stay in float for the budget")
                      ->check(in_range(0.0, 100.0))
                      ->capture_default_str()
                      ->group(group);
    for (CLI::Option* option : {metric, labels, data, command, timeout, share}) option->needs(drop);
    metric->excludes(labels)->excludes(command);
    command->excludes(labels)->excludes(data);
    timeout->needs(command);
}

std::optional<AccuracyBudget> make_budget(const BudgetFlags& flags, const DataFlags& data, const Dataset* calibration,
                                          const std::filesystem::path& model, std::unique_ptr<Dataset>& storage) {
    if (flags.max_drop.empty()) return std::nullopt;
    if (!calibration) throw Error(codes::kUsage, "--max-drop needs samples to calibrate on", "pass --data");
    AccuracyBudget budget{.max_drop = points_from(flags.max_drop), .metric = metric_of(flags), .data = calibration};
    budget.command = flags.eval_command;
    budget.command_seconds = flags.eval_seconds;
    budget.max_float_share = flags.max_float_macs / 100.0;
    budget.model = model;
    if (!flags.eval_data.empty()) {
        DataFlags evaluation = data;
        evaluation.data = flags.eval_data;
        evaluation.limit = 0;
        storage = open_flagged_data(evaluation, model);
        budget.data = storage.get();
    }
    if (!flags.labels.empty()) budget.labels = load_labels(flags.labels, *budget.data);
    return budget;
}

}  // namespace mcompress
