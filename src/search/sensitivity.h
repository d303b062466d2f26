// What each noise source alone costs at the model's outputs.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "engine/engine.h"
#include "search/noise_sources.h"
#include "tensor/compare.h"
#include "validate/outputs.h"

namespace mcompress {

/// How the effect on the outputs is told in one number, 0 for none; effects of several sources about add up.
enum class EffectMetric {
    Sqnr,        // noise energy over signal energy, averaged over the outputs
    Divergence,  // mean KL divergence of a classifier's decisions, in nats
    Agreement    // share of a classifier's decisions that change
};

struct SourceEffect {
    std::string id;        // NoiseSource::id()
    OutputErrors outputs;  // with nothing but this source quantized; its sample count tells how far the measurement got
    ErrorMeasure local;    // of the first value that the source changes: the value itself, or the unit's result with quantized weights

    double effect(EffectMetric metric) const;
};

double effect_of(const OutputErrors& errors, EffectMetric metric);

struct SensitivityOptions {
    int threads = 1;  // sources measured at the same time; the result does not depend on it
    /// Activations of the float model kept for the sources to start from. As many samples as fit are taken at a time, at least one.
    std::size_t max_bytes = std::size_t{192} << 20;
    /// Effects known from an interrupted run on the same samples; measuring goes on where they end.
    std::vector<SourceEffect> known = {};
    /// Called after each group of samples with what is known so far.
    std::function<void(const std::vector<SourceEffect>&)> save = {};
    /// Called after each source, from one thread at a time.
    std::function<void(std::size_t done, std::size_t total)> progress = {};
};

/// Runs, for each source and each sample, the part of the graph that the source reaches; all else is computed once a sample. `quantized` was made
/// from `reference`. The effects in the order of the sources.
std::vector<SourceEffect> measure_sources(const Engine& engine, const Graph& reference, const Graph& quantized,
                                          std::span<const NoiseSource> sources, const Dataset& data, const SensitivityOptions& options);

/// The error of the outputs with only this set of sources quantized.
OutputErrors measure_set(const Engine& engine, const Graph& reference, const Graph& quantized, std::span<const NoiseSource* const> set,
                         const Dataset& data, int threads);

}  // namespace mcompress
