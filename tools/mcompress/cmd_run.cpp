// mcompress run MODEL --data D -o out.npz, and mcompress run RECIPE.json
#include <filesystem>
#include <memory>

#include "command.h"
#include "data/npz_file.h"
#include "data_options.h"
#include "output_path.h"
#include "pipeline/run_model.h"
#include "report/run_report.h"
#include "report_options.h"
#include "run_recipe.h"
#include "support/error.h"
#include "support/log.h"

namespace mcompress {

namespace {

struct Options {
    std::string model;
    std::string recipe_model;
    std::string output;
    std::string engine = "onednn";
    std::string compute = "f32";
    DataFlags data;
    ReportFlags report;
    bool force = false;
    bool stamp = false;
    bool in_place = false;

    Overwrite overwrite() const { return force ? Overwrite::Force : Overwrite::Refuse; }
};

int run_on_data(const Options& options, const GlobalOptions& global) {
    if (options.output.empty()) throw Error(codes::kUsage, "--output is required", "say where to write the outputs (.npz)");
    if (!options.recipe_model.empty()) throw Error(codes::kUsage, "--model belongs to a recipe", "name the model itself");
    if (options.stamp) throw Error(codes::kUsage, "--stamp belongs to a recipe", "leave it out: what running a model gives is no model");
    if (options.in_place)
        throw Error(codes::kUsage, "--in-place belongs to a recipe", "leave it out: what running a model gives is no model");
    refuse_input(options.output, options.model, "choose another name with -o");
    check_output(options.output, options.overwrite());
    const auto data = options.data.data.empty() ? nullptr : open_flagged_data(options.data, options.model);
    const auto outputs = run_model({.model = options.model,
                                    .data = data.get(),
                                    .engine = options.engine,
                                    .compute = compute_type(options.compute),
                                    .threads = thread_count(global),
                                    .progress = make_progress("running", global.quiet)});
    write_npz(options.output, outputs);
    put_report(run_report(options.model, options.output, outputs), options.report, global);
    log_info("wrote {}", options.output);
    return 0;
}

int run_recipe_file(const Options& options, const GlobalOptions& global) {
    if (!options.data.data.empty())
        throw Error(codes::kUsage, "--data does not go with a recipe", "say it in the recipe: \"options\": {\"data\": ...}");
    Recipe recipe = load_recipe(options.model);
    for (const std::string& report : options.report.files) refuse_input(report, options.model, "choose another name for the report");
    if (!options.recipe_model.empty()) recipe.model = options.recipe_model;
    if (!options.output.empty()) {
        refuse_input(options.output, options.model, "choose another name with -o");
        recipe.output = options.output;
        recipe.placement = Placement::Output;
    }
    if (options.in_place) recipe.placement = Placement::InPlace;
    if (options.stamp) recipe.marks = Marks::Stamp;
    const RecipeReport report = run_recipe(recipe, options.model, options.overwrite(), global);
    put_report(report, options.report, global);
    if (!report.has_passed) return static_cast<int>(ErrorKind::Gate);
    log_info("wrote {}", report.output);
    return 0;
}

}  // namespace

CommandRun configure_run(CLI::App& app, const GlobalOptions& global) {
    auto options = std::make_shared<Options>();
    // Not "model": newer CLI11 takes that for the same name as --model.
    app.add_option("file", options->model, "ONNX model to run on data, or a recipe (.json) to carry out")->required();
    CLI::Option* const output =
        app.add_option("-o,--output", options->output, "Where to write the outputs (.npz), or the model that a recipe makes");
    app.add_option("--model", options->recipe_model, "Recipe: the model to begin with, in place of the recipe's");
    app.add_option("--engine", options->engine, "onednn, or reference (slow, exact)")->capture_default_str();
    app.add_option("--compute", options->compute, "Type of float products: f32, or bf16 (faster on AVX512-BF16)")->capture_default_str();
    app.add_flag("--stamp", options->stamp, "Recipe: put into the model's metadata what made it of what, with digests of all");
    app.add_flag("--in-place", options->in_place, "Recipe: put the result in the place of the model, all at once, when it is complete")
        ->excludes(output);
    app.add_flag("--force", options->force, "Overwrite an existing file");
    add_report_flags(app, options->report, ReportKind::Judged);
    add_data_flags(app, options->data, DataNeed::Optional);
    return [options, &global] {
        const bool is_recipe = std::filesystem::path(options->model).extension() == ".json";
        return is_recipe ? run_recipe_file(*options, global) : run_on_data(*options, global);
    };
}

}  // namespace mcompress
