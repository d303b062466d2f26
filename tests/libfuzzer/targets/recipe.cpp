// Recipes: what was read is written as the same recipe.
#include "pipeline/recipe.h"

#include "libfuzzer/targets/targets.h"
#include "libfuzzer/targets/text_mutator.h"

namespace mcompress::fuzzing {

namespace {

constexpr std::string_view kWords[] = {
    "schema",   "mcompress/recipe", "schema_version", "model",   "output",  "options",   "steps",  "validate",   "stamp", "command",
    "quantize", "optimize",         "prune",          "convert", "cluster", "factorize", "effort", "fast",       "data",  "threads",
    "force",    "exclude",          "sparsity",       "2:4",     "a.onnx",  "Model",     "\\n",    "\\u001b[31m"};

void try_recipe(std::span<const std::byte> input) {
    const std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
    Recipe recipe;
    if (!is_accepted([&] { recipe = parse_recipe(text); })) return;
    require(!recipe.steps.empty(), "a recipe has no steps");
    must("a recipe that was read", [&] {
        const std::string written = to_json(recipe);
        const Recipe again = parse_recipe(written);
        require(to_json(again) == written, "a recipe changes by being written and read");
        require(again.steps.size() == recipe.steps.size() && again.options.size() == recipe.options.size(),
                "a recipe loses steps or options by being written and read");
        return 0;
    });
}

std::size_t mutate_recipe(const Mutation& mutation) { return mutate_json(mutation, kWords); }

}  // namespace

const Target recipe_target{"recipe", try_recipe, mutate_recipe};

}  // namespace mcompress::fuzzing
