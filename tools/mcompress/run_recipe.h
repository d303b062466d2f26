// Runs the steps of a recipe: each is a command with its options, reading what the one before wrote.
#pragma once

#include "command.h"
#include "output_path.h"
#include "pipeline/recipe.h"
#include "report/recipe_report.h"

namespace mcompress {

/// The output appears when every step is done and the gates of `validate` are met; until then models lie in a folder beside it. What the recipe or a step
/// says wrong is found before anything runs.
RecipeReport run_recipe(const Recipe& recipe, const std::string& name, Overwrite overwrite, const GlobalOptions& global);

/// Commands and options as they would run: options of all steps written out at each, defaults included. Model and output are left out. Throws kRecipeInvalid.
Recipe effective_recipe(const Recipe& recipe);

/// A command as it was given, with the defaults it took.
Recipe recipe_of(const CLI::App& command);

/// Declares --save-recipe: after the command has done its work, what it was told, with the defaults it took, is written as a recipe that does the same.
CommandRun with_save_recipe(CLI::App& app, CommandRun command);

}  // namespace mcompress
