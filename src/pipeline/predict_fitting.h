// What it takes to fit weights to samples, foreseen from the shapes of a model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "data/dataset.h"
#include "quant/scheme.h"

namespace mcompress {

/// Stages that gather what goes into layers and solve for better weights.
enum class FittingStage { QuantizeLayers, QuantizeBlocks, PruneLayers };

struct FittingPlan {
    std::size_t samples = 0;
    FittingStage stage = FittingStage::QuantizeLayers;
    Effort effort = Effort::Balanced;
    QuantizationScheme scheme = {};  // QuantizeBlocks: which weights, in which blocks
};

struct FittingCost {
    std::uint64_t memory = 0;  // bytes, beyond the model, one plan a thread and the samples
    double products = 0.0;     // multiply-accumulates of the solvers
};

/// Rows that are gathered (as much as the stage allows itself, or as there are), values kept between layers, matrices and copies of weights. An upper estimate; unknown dimensions count as large.
FittingCost predict_fitting(const std::filesystem::path& model, const FittingPlan& plan);

/// Seconds of one thread for a sample of `data` from making it to the model's outputs; the model and its first plan are not counted.
double time_sample(const std::filesystem::path& model, const Dataset& data, std::size_t index);

}  // namespace mcompress
