// A recipe: the steps that turn one model into another, with the options each command of them takes, and how the result is judged.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcompress {

/// An option of a command by its long name, with what one would type behind it. A flag has no values.
struct RecipeOption {
    std::string name;
    std::vector<std::string> values;
};

struct RecipeStep {
    std::string command;
    std::vector<RecipeOption> options;
};

/// What a result says about how it was made.
enum class Marks { None, Stamp };

/// Where a result goes: to the output, or in the place of the model that the recipe began with.
enum class Placement { Output, InPlace };

struct Recipe {
    std::string model;
    std::string output;                 // empty: to be said when it is run
    std::vector<RecipeOption> options;  // of every step that knows them and does not say otherwise
    std::vector<RecipeStep> steps;
    std::optional<RecipeStep> validate;  // options of the command "validate"; decides whether the output is kept
    Marks marks = Marks::None;
    Placement placement = Placement::Output;  // InPlace: there is no output
};

/// Paths in a recipe are those of the command line: relative to the current folder. Throws kRecipeInvalid for what is no recipe; unknown keys are errors with
/// the nearest known one. Options are not looked at.
Recipe parse_recipe(std::string_view text);
Recipe load_recipe(const std::filesystem::path& path);

/// What parse_recipe() reads back.
std::string to_json(const Recipe& recipe);

}  // namespace mcompress
