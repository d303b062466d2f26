// Running models of the pipeline target: on samples made up for them, as long as that is cheap, before and after.
#pragma once

#include <filesystem>
#include <memory>

#include "data/dataset.h"

namespace mcompress::fuzzing {

/// Whether whole commands on a model stay fast: few nodes and functions. False for what does not load.
bool is_small(const std::filesystem::path& model);

/// `count` samples for the model's inputs; null when running it could take long, or when an input is no tensor of numbers.
std::unique_ptr<Dataset> random_samples(const std::filesystem::path& model, std::size_t count);

/// UpToRounding: floats may differ in the last digits; not judged where rounding errors decide.
enum class Equality { Exact, UpToRounding };

/// Throws Broken when the reference engine gives other outputs for `after` than for `before`, or none. Does nothing where `before` cannot be run cheaply.
void compare_outputs(const std::filesystem::path& before, const std::filesystem::path& after, Equality equality);

/// Cleans the model's graph, which must not change a single output.
void check_clean(const std::filesystem::path& model);

}  // namespace mcompress::fuzzing
