// A user's own evaluation as a judge: a program that gets a model file and prints its accuracy.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "support/interruption.h"

namespace mcompress {

/// A model file in a folder of its own that goes with this object, with whatever lies beside it. Throws kFileUnwritable.
class TemporaryModel {
public:
    TemporaryModel();
    ~TemporaryModel();
    TemporaryModel(const TemporaryModel&) = delete;
    TemporaryModel& operator=(const TemporaryModel&) = delete;
    std::filesystem::path path() const { return folder_ / "candidate.onnx"; }

private:
    std::filesystem::path folder_;
    std::optional<Unfinished> unfinished_;
};

/// Runs `command MODEL` by the shell, its errors on our standard error, and reads an accuracy off the last line it prints: a number, or a JSON object with a number
/// "accuracy" (or one number only). Throws kUsage when it cannot be run, ends with an error, takes longer or prints something else.
double run_eval_command(const std::string& command, const std::filesystem::path& model, double max_seconds);

/// The accuracy in what a command printed.
double accuracy_from(std::string_view printed);

}  // namespace mcompress
