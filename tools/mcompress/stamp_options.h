// The option --stamp, and what a stamp says about commands and data.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>

#include "command.h"
#include "data/dataset.h"
#include "onnx/stamp.h"
#include "pipeline/recipe.h"

namespace mcompress {

/// Declares --stamp on a command that turns one model into another.
CommandRun with_stamp(CLI::App& app, CommandRun command, GlobalOptions& global);

/// A stamp of this version for what the recipe makes of `model`; commands add the data they use.
std::shared_ptr<Stamp> begin_stamp(const std::filesystem::path& model, const Recipe& effective);

/// The stamp that was asked for, with the samples a command uses (null: none); nothing when none was asked for.
std::optional<Stamp> stamp_with(const GlobalOptions& global, std::initializer_list<const Dataset*> data);

/// SHA-256 over commands and options as effective_recipe() gives them. Model, output and samples are left out, since a stamp has digests of their contents; a file
/// that an option names counts by its content. So paths do not matter.
std::string recipe_digest(const Recipe& effective);

}  // namespace mcompress
