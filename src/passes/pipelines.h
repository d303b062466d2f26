// Named lists of passes.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "passes/pass_manager.h"
#include "passes/registry.h"

namespace mcompress {

struct Pipeline {
    enum class Repetition { Once, ToFixedPoint };

    std::string_view name;
    std::span<const std::string_view> passes;
    Repetition repetition;
};

std::span<const Pipeline> all_pipelines();

/// Runs the passes of a pipeline over the graph. Skip reasons that still hold are those of the last run of each pass. Throws kUsage when there
/// is no such pipeline, kShapeInvalid or kAttributeInvalid when the graph contradicts itself before any pass has run.
std::vector<PassRun> run_pipeline(std::string_view name, Graph& graph, const PassInputs& inputs, const PassManagerOptions& options = {});

}  // namespace mcompress
