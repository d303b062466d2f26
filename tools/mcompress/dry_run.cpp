#include "dry_run.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "data/cached_dataset.h"
#include "data/subset.h"
#include "onnx/data_files.h"
#include "pipeline/predict_fitting.h"
#include "report/dry_run_report.h"
#include "report/text_table.h"
#include "report_error.h"
#include "report_options.h"
#include "support/file.h"
#include "support/log.h"
#include "support/memory.h"
#include "support/process_limits.h"
#include "tune/more_pictures.h"

namespace mcompress {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kCheckedSamples = 64;  // that are looked at before a command begins, in a rehearsal too
constexpr std::uint64_t kMargin = 105;       // percent: too much does less harm than too little
constexpr double kWrittenPerSecond = 300e6, kProductsPerSecond = 2e9;
// A model so small is fitted in its rehearsal too: names and biases that this adds count, and it takes a second.
constexpr std::uint64_t kSmallModel = std::uint64_t{512} << 10;

fs::path folder_of(const fs::path& file) { return file.parent_path().empty() ? "." : file.parent_path(); }

std::uint64_t bytes_of_sample(const Dataset& data) {
    std::uint64_t bytes = 0;
    for (const auto& [name, tensor] : data.sample(0)) bytes += tensor.byte_size();
    return bytes;
}

/// So many that every thread has some.
std::size_t few_samples(const GlobalOptions& global) {
    return std::max<std::size_t>(4, 2 * static_cast<std::size_t>(thread_count(global)));
}

/// Samples to rehearse with in place of all of them; what the others take is added. `looks`: how often each is run in any case.
const Dataset* take_few(const fs::path& model, const Dataset& data, std::size_t few, double looks, const GlobalOptions& global) {
    Rehearsal& rehearsal = *global.rehearsal;
    rehearsal.samples = data.size();
    const std::shared_ptr<const Dataset> all(std::shared_ptr<void>(), &data);
    rehearsal.few = take(all, few);
    const std::uint64_t each = bytes_of_sample(data), count = data.size(),
                        known = std::min<std::uint64_t>(count, std::max(kCheckedSamples, rehearsal.few->size()));
    rehearsal.more_memory += cached_bytes(count, each) - cached_bytes(known, each);
    rehearsal.later_memory += cached_bytes(count, each);
    rehearsal.more_seconds +=
        looks * time_sample(model, data, data.size() - 1) * static_cast<double>(data.size() - rehearsal.few->size()) / thread_count(global);
    return rehearsal.few.get();
}

/// Whether the rehearsal leaves fitting out, or fits to its few samples with a balanced effort.
enum class Fitting { LeftOut, ToFew };

void add_fitting(const fs::path& model, FittingPlan plan, Fitting fitting, const GlobalOptions& global) {
    Rehearsal& rehearsal = *global.rehearsal;
    if (plan.samples == 0) plan.samples = rehearsal.samples;
    const FittingCost cost = predict_fitting(model, plan);
    FittingCost known;
    plan.samples = rehearsal.few->size();
    plan.effort = Effort::Balanced;
    if (fitting == Fitting::ToFew) known = predict_fitting(model, plan);
    if (plan.stage == FittingStage::QuantizeBlocks) rehearsal.more_memory += cost.memory;  // while all that the rehearsal had is there
    else if (cost.memory > known.memory) rehearsal.later_memory += cost.memory;
    rehearsal.more_seconds += std::max(0.0, cost.products - known.products) / kProductsPerSecond / thread_count(global);
}

std::uint64_t bytes_of_model(const fs::path& model) {
    std::error_code error;
    std::uint64_t bytes = fs::file_size(model, error);
    if (error) return 0;
    try {
        for (const fs::path& file : data_files_of(model))
            if (const std::uint64_t size = fs::file_size(file, error); !error) bytes += size;
    } catch (const Error&) {
        return bytes;  // a problem of the rehearsal
    }
    return bytes;
}

/// What a disk and the limits have against it.
void check_room(const Prediction& prediction, Rehearsal& rehearsal) {
    struct statvfs disk {};
    const fs::path folder = folder_of(prediction.files.back().path);
    if (::statvfs(folder.c_str(), &disk) == 0) {
        const std::uint64_t free = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
        if (free < prediction.bytes())
            rehearsal.problems.emplace_back(
                codes::kFileUnwritable,
                format("{} has {} free, {} are needed", folder.string(), human_bytes(free), human_bytes(prediction.bytes())),
                "free some space on that disk, or choose another with -o");
    }
    if (prediction.peak_memory > process_limits().memory)
        rehearsal.notes.push_back(format("that is more memory than --max-memory allows ({})", human_bytes(process_limits().memory)));
}

Prediction predict(const Rehearsal& rehearsal, double seconds) {
    Prediction prediction;
    for (const PlannedFile& file : rehearsal.planned.files) prediction.files.push_back({file.path.string(), file.bytes});
    release_free_memory();
    prediction.peak_memory = std::max(peak_memory() + rehearsal.more_memory, resident_memory() + rehearsal.later_memory) / 100 * kMargin;
    prediction.seconds = seconds + rehearsal.more_seconds + static_cast<double>(prediction.bytes()) / kWrittenPerSecond;
    return prediction;
}

/// Other files that the run would write.
void note_other_files(const CLI::App& app, const ReportFlags& flags, Rehearsal& rehearsal) {
    std::vector<std::string> files = flags.files;
    if (const CLI::Option* recipe = app.get_option_no_throw("--save-recipe"); recipe && recipe->count() > 0)
        files.push_back(recipe->as<std::string>());
    for (const std::string& file : files) rehearsal.notes.push_back(format("would also write {}", file));
}

/// The result is about a rehearsal, but gates that it misses already the run would miss as well.
void note_missed_gates(const CommandResult& result, Rehearsal& rehearsal) {
    if (!result.judgement) return;
    for (const JudgedCase& each : result.judgement->cases)
        if (each.verdict == Verdict::Failed)
            rehearsal.problems.emplace_back(each.code, format("gate {}: {}", each.name, each.message), each.remedy);
}

ReportFlags flags_of(const CLI::App& app) {
    ReportFlags flags;
    flags.format = app.get_option("--format")->as<std::string>();
    flags.json = app.get_option("--json")->count() > 0;
    if (app.get_option("--report")->count() > 0) flags.files = app.get_option("--report")->as<std::vector<std::string>>();
    return flags;
}

int report(const CLI::App& app, const GlobalOptions& global, double seconds) {
    Rehearsal& rehearsal = *global.rehearsal;
    ReportFlags flags = flags_of(app);
    DryRunReport report;
    report.command = app.get_name();
    report.model = app.get_option("model")->as<std::string>();
    report.samples = rehearsal.samples;
    report.model_bytes = bytes_of_model(report.model);
    note_other_files(app, flags, rehearsal);
    if (!rehearsal.planned.files.empty()) {
        report.prediction = predict(rehearsal, seconds);
        check_room(*report.prediction, rehearsal);
    }
    report.problems = rehearsal.problems;
    report.notes = rehearsal.notes;
    flags.files.clear();
    GlobalOptions plain;
    put_report(report, flags, plain);
    for (const Error& problem : report.problems) report_error(problem);
    return report.problems.empty() ? 0 : static_cast<int>(report.problems.front().kind());
}

}  // namespace

CommandRun with_dry_run(CLI::App& app, CommandRun command, GlobalOptions& global) {
    auto is_asked = std::make_shared<bool>(false);
    app.add_flag(
        "--dry-run", *is_asked,
        "Write nothing: say what would be written, how large it would be, the memory and time it would take, and what would go wrong");
    return [is_asked, &app, &global, command = std::move(command)] {
        if (!*is_asked) return command();
        global.rehearsal = std::make_shared<Rehearsal>();
        global.sink = [rehearsal = global.rehearsal](const CommandResult& result) { note_missed_gates(result, *rehearsal); };
        global.quiet = true;
        set_log_level(std::max(log_level(), LogLevel::Warning));
        const auto begin = std::chrono::steady_clock::now();
        try {
            command();
        } catch (const Error& error) {
            global.rehearsal->problems.push_back(error);
        }
        return report(app, global, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    };
}

PlannedFiles* planned_files(const GlobalOptions& global) { return global.rehearsal ? &global.rehearsal->planned : nullptr; }

CommandRun with_in_place(CLI::App& app, CommandRun command, GlobalOptions& global) {
    auto is_asked = std::make_shared<bool>(false);
    app.add_flag("--in-place", *is_asked, "Put the result in the input's place, all at once, when it is complete")
        ->excludes(app.get_option("--output"));
    return [is_asked, &global, command = std::move(command)] {
        global.in_place = *is_asked;
        return command();
    };
}

fs::path choose_output(const fs::path& asked, const fs::path& input, std::string_view suffix, Overwrite overwrite,
                       const GlobalOptions& global) {
    const auto choose = [&] {
        if (global.in_place) return input;
        refuse_input(output_path(asked, input, suffix), input, "choose another name with -o, or pass --in-place");
        return choose_output(asked, input, suffix, overwrite);
    };
    if (!global.rehearsal) return choose();
    std::vector<Error>& problems = global.rehearsal->problems;
    try {
        (void)choose();
    } catch (const Error& error) {
        problems.push_back(error);
    }
    fs::path output = global.in_place ? input : output_path(asked, input, suffix);
    std::error_code ignored;
    if (!fs::is_directory(folder_of(output), ignored) || ::access(folder_of(output).c_str(), W_OK | X_OK) != 0)
        problems.emplace_back(codes::kFileUnwritable, format("no file can be made in {}", folder_of(output).string()),
                              "check that the folder exists and may be written");
    if (fs::is_directory(output, ignored))
        problems.emplace_back(codes::kFileUnwritable, format("{} is a directory", output.string()), "name a file with -o");
    return output;
}

void rehearse(QuantizeRequest& request, const GlobalOptions& global) {
    request.planned = planned_files(global);
    if (!global.rehearsal) return;
    Rehearsal& rehearsal = *global.rehearsal;
    if (request.budget) {
        rehearsal.notes.emplace_back("how much --max-drop leaves in float is only known once it was searched: the figures are those of a "
                                     "model that keeps the budget as it is");
        request.budget.reset();
    }
    if (!request.data) return;
    const Effort asked = request.scheme.effort;
    if (request.scheme.activations != ActivationMode::Static) {
        (void)take_few(request.model, *request.data, few_samples(global), 3.0, global);
        add_fitting(request.model, {.stage = FittingStage::QuantizeBlocks, .effort = asked, .scheme = request.scheme}, Fitting::LeftOut,
                    global);
        request.data = nullptr;
        request.scheme.weight_only.rounding = WeightRounding::Nearest;
        return;
    }
    const Dataset& all = *request.data;
    const bool is_fitted = asked != Effort::Fast;
    const bool is_small = bytes_of_model(request.model) <= kSmallModel;
    request.data = take_few(request.model, all, is_fitted ? kCheckedSamples : few_samples(global), is_fitted ? 12.0 : 3.0, global);
    if (!is_fitted) return;
    add_fitting(request.model, {.stage = FittingStage::QuantizeLayers, .effort = asked}, is_small ? Fitting::ToFew : Fitting::LeftOut,
                global);
    request.scheme.effort = is_small ? Effort::Balanced : Effort::Fast;
    request.equalization = Equalization::Always;
    rehearsal.notes.emplace_back("memory and time of fitting are estimated from the shapes of the layers");
}

void rehearse(PruneRequest& request, const GlobalOptions& global) {
    request.planned = planned_files(global);
    if (!global.rehearsal) return;
    if (request.pattern == "channels")
        throw Error(codes::kUsage, "which channels go is only known once it was measured, and the size with it",
                    "--dry-run foretells the other patterns");
    PruneOptions& options = request.options;
    if (!options.data) return;
    const std::shared_ptr<const Dataset> all = options.data;
    (void)take_few(request.model, *options.data, few_samples(global), 12.0, global);
    add_fitting(request.model, {.samples = with_more_pictures(all)->size(), .stage = FittingStage::PruneLayers}, Fitting::LeftOut, global);
    options.data = nullptr;
    options.criterion = Criterion::Magnitude;
    options.scope = Scope::Uniform;
    options.repair = Repair::None;
    global.rehearsal->notes.emplace_back("memory and time of fitting are estimated from the shapes of the layers");
}

void rehearse(FloatConvertRequest& request, const GlobalOptions& global) {
    request.planned = planned_files(global);
    if (!global.rehearsal || !request.data) return;
    const Dataset& all = *request.data;
    request.data = take_few(request.model, all, few_samples(global), 5.0, global);
    global.rehearsal->notes.emplace_back("which nodes stay in float32 was judged by a few samples");
    request.goal = {};
}

}  // namespace mcompress
