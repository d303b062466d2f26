#include "run_recipe.h"

#include <algorithm>

#include "stamp_options.h"
#include "support/error.h"
#include "support/file.h"
#include "support/log.h"
#include "support/nearest.h"
#include "support/work_folder.h"

namespace mcompress {

namespace {

const CommandRow& rewriting_command(const std::string& name) {
    std::vector<std::string> known;
    for (const CommandRow& row : all_commands()) {
        if (row.role != CommandRole::RewritesModel) continue;
        if (row.name == name) return row;
        known.emplace_back(row.name);
    }
    std::string list;
    for (const std::string& each : known) list += (list.empty() ? "" : ", ") + each;
    const std::string nearest = nearest_word(name, known);
    throw Error(codes::kRecipeInvalid, format("'{}' is no step", name),
                nearest.empty() ? "steps are " + list : format("did you mean '{}'?", nearest));
}

/// One command of a recipe, parsed: its options are checked, its work not begun.
struct ParsedStep {
    std::string command;
    GlobalOptions global;
    std::unique_ptr<CLI::App> app;  // commands ask it what was given
    std::optional<CommandResult> result;
    CommandRun run;
};

const CLI::Option* find_option(const CLI::App& app, const std::string& name) { return app.get_option_no_throw("--" + name); }

[[noreturn]] void refuse_option(const CLI::App& app, const RecipeOption& option) {
    std::vector<std::string> known;
    for (const CLI::Option* each : app.get_options())
        for (const std::string& name : each->get_lnames()) known.push_back(name);
    const std::string nearest = nearest_word(option.name, known);
    throw Error(codes::kRecipeInvalid, format("there is no option '{}'", option.name),
                nearest.empty() ? format("mcompress {} --help lists all", app.get_name()) : format("did you mean '{}'?", nearest));
}

/// Command lines are parsed as typed, so a recipe means what the same options mean there.
std::unique_ptr<ParsedStep> parse_step(const RecipeStep& step, const CommandRow& row, const std::vector<RecipeOption>& shared,
                                       std::vector<std::string> arguments, const GlobalOptions& global) {
    auto parsed = std::make_unique<ParsedStep>();
    parsed->command = step.command;
    parsed->global = global;
    parsed->global.sink = [to = parsed.get()](CommandResult result) { to->result = std::move(result); };
    parsed->app = std::make_unique<CLI::App>(row.summary, row.name);
    CLI::App& app = *parsed->app;
    parsed->run = row.configure(app, parsed->global);
    std::vector<RecipeOption> options = step.options;
    for (const RecipeOption& option : options)
        if (!find_option(app, option.name)) refuse_option(app, option);
    for (const RecipeOption& option : shared) {
        const bool is_set = std::any_of(options.begin(), options.end(), [&](const RecipeOption& each) { return each.name == option.name; });
        if (!is_set && find_option(app, option.name)) options.push_back(option);
    }
    for (const RecipeOption& option : options) {
        // A value that begins with a dash would be taken for an option: "--name=value" cannot be.
        if (option.values.size() == 1) arguments.push_back("--" + option.name + "=" + option.values.front());
        if (option.values.size() == 1) continue;
        arguments.push_back("--" + option.name);
        arguments.insert(arguments.end(), option.values.begin(), option.values.end());
    }
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
    try {
        app.parse(std::move(arguments));
    } catch (const CLI::ParseError& error) {
        throw Error(codes::kRecipeInvalid, error.what(), format("mcompress {} --help lists what it takes", step.command));
    }
    return parsed;
}

void check_shared(const Recipe& recipe) {
    for (const RecipeOption& option : recipe.options) {
        const bool is_known = std::any_of(recipe.steps.begin(), recipe.steps.end(), [&](const RecipeStep& step) {
            CLI::App app;
            const GlobalOptions global;
            rewriting_command(step.command).configure(app, global);
            return find_option(app, option.name) != nullptr;
        });
        if (!is_known)
            throw Error(codes::kRecipeInvalid, format("no step has an option '{}'", option.name),
                        "take it out of \"options\", or correct its name");
    }
}

const CommandRow& validate_command() {
    const auto rows = all_commands();
    return *std::find_if(rows.begin(), rows.end(), [](const CommandRow& row) { return std::string_view(row.name) == "validate"; });
}

std::filesystem::path output_of(const Recipe& recipe, Overwrite overwrite) {
    if (recipe.placement == Placement::InPlace) return recipe.model;
    if (recipe.output.empty()) throw Error(codes::kRecipeInvalid, "the recipe names no output", "add \"output\", or pass -o");
    refuse_input(recipe.output, recipe.model, "choose another name with -o, or pass --in-place");
    return choose_output(recipe.output, recipe.model, "", overwrite);
}

/// Runs a step; nothing when a gate of its own was not met.
bool run_step(ParsedStep& step, RecipeReport& report) {
    const int code = step.run();
    if (step.result)
        report.steps.push_back(
            {step.command, std::move(step.result->document), std::move(step.result->json), std::move(step.result->judgement)});
    return code == 0;
}

}  // namespace

Recipe recipe_of(const CLI::App& command) {
    constexpr std::string_view kLeftOut[] = {"help",   "output",      "force", "format",  "json",
                                             "report", "save-recipe", "stamp", "dry-run", "in-place"};
    Recipe recipe;
    RecipeStep step{command.get_name(), {}};
    for (const CLI::Option* option : command.get_options()) {
        if (option->get_positional() && option->count() > 0) recipe.model = option->as<std::string>();
        if (option->get_lnames().empty()) continue;
        const std::string& name = option->get_lnames().front();
        if (name == "output" && option->count() > 0) recipe.output = option->as<std::string>();
        if (std::find(std::begin(kLeftOut), std::end(kLeftOut), name) != std::end(kLeftOut)) continue;
        if (option->count() > 0) {
            const bool is_flag = option->get_expected_max() == 0;
            step.options.push_back({name, is_flag ? std::vector<std::string>{} : option->results()});
        } else if (!option->get_default_str().empty() && option->get_needs().empty() && option->get_excludes().empty()) {
            step.options.push_back({name, {option->get_default_str()}});  // a later version may have another default
        }
    }
    recipe.steps.push_back(std::move(step));
    const CLI::Option* const in_place = command.get_option_no_throw("--in-place");
    if (in_place && in_place->count() > 0) recipe.placement = Placement::InPlace;
    const CLI::Option* stamp = command.get_option_no_throw("--stamp");
    if (stamp && stamp->count() > 0) recipe.marks = Marks::Stamp;
    return recipe;
}

Recipe effective_recipe(const Recipe& recipe) {
    const GlobalOptions global;
    // Read twice: options that are spelled out are kept as CLI11 understood them, defaults as they are written.
    const auto effective = [&](const RecipeStep& step, const CommandRow& row, const std::vector<std::string>& models) {
        const RecipeStep written = recipe_of(*parse_step(step, row, recipe.options, models, global)->app).steps.front();
        return recipe_of(*parse_step(written, row, {}, models, global)->app).steps.front();
    };
    Recipe result;
    check_shared(recipe);
    for (const RecipeStep& step : recipe.steps) result.steps.push_back(effective(step, rewriting_command(step.command), {"model"}));
    if (recipe.validate) result.validate = effective(*recipe.validate, validate_command(), {"reference", "candidate"});
    return result;
}

RecipeReport run_recipe(const Recipe& recipe, const std::string& name, Overwrite overwrite, const GlobalOptions& global) {
    if (recipe.model.empty()) throw Error(codes::kRecipeInvalid, "the recipe names no model", "add \"model\", or pass --model");
    const std::filesystem::path output = output_of(recipe, overwrite);
    check_shared(recipe);
    const WorkFolder folder(output);
    std::vector<std::unique_ptr<ParsedStep>> steps;
    std::filesystem::path input = recipe.model, last;
    for (std::size_t at = 0; at < recipe.steps.size(); ++at) {
        const RecipeStep& step = recipe.steps[at];
        last = folder.make_subfolder(std::to_string(at + 1));
        steps.push_back(with_context([&] { return format("step {} ({})", at + 1, step.command); },
                                     [&] {
                                         return parse_step(step, rewriting_command(step.command), recipe.options,
                                                           {input.string(), "--output=" + (last / output.filename()).string()}, global);
                                     }));
        input = last / output.filename();
    }
    if (recipe.validate)
        steps.push_back(with_context("validate", [&] {
            return parse_step(*recipe.validate, validate_command(), recipe.options, {recipe.model, input.string()}, global);
        }));

    if (recipe.marks == Marks::Stamp) {
        const auto stamp = begin_stamp(recipe.model, effective_recipe(recipe));
        for (const auto& step : steps) step->global.stamp = stamp;
    }
    RecipeReport report{.recipe = name, .steps = {}, .has_passed = true, .output = output.string()};
    for (std::size_t at = 0; at < steps.size() && report.has_passed; ++at) {
        log_info("step {} of {}: {}", at + 1, steps.size(), steps[at]->command);
        report.has_passed =
            with_context([&] { return format("step {} ({})", at + 1, steps[at]->command); }, [&] { return run_step(*steps[at], report); });
    }
    if (report.has_passed) folder.publish(last, output);
    return report;
}

CommandRun with_save_recipe(CLI::App& app, CommandRun command) {
    auto file = std::make_shared<std::string>();
    app.add_option("--save-recipe", *file, "Also write what was asked for as a recipe (.json): mcompress run does the same again");
    return [file, &app, command = std::move(command)] {
        if (!file->empty()) refuse_input(*file, app.get_option("model")->as<std::string>(), "choose another name for the recipe");
        const int code = command();
        const CLI::Option* const dry_run = app.get_option_no_throw("--dry-run");
        if (file->empty() || (dry_run && dry_run->count() > 0)) return code;
        write_file_atomically(*file, to_json(recipe_of(app)));
        log_info("wrote {}", *file);
        return code;
    };
}

}  // namespace mcompress
