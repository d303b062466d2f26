// What a person reads when a command ends in an error.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "command.h"
#include "support/error.h"

namespace mcompress {

/// "error[E3004]: while loading m.onnx: …" and a remedy: the error's own, else the one that belongs to its code. Safe for a terminal whatever the model's names hold.
std::string text_of(const Error& error);

/// Writes it to standard error; the exit code of its kind.
int report_error(const Error& error);

/// The same for exhausted memory, without taking any.
int report_exhausted_memory() noexcept;

/// Runs `body` and turns what it throws into an exit code.
int reporting_errors(const std::function<int()>& body);

/// A command whose errors name its model where they do not say where they happened.
CommandRun naming_model(const CLI::App& app, CommandRun command);

}  // namespace mcompress
