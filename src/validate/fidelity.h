// How faithfully a candidate model reproduces a reference model: its outputs, its decisions, its layers.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "engine/engine.h"
#include "tensor/compare.h"
#include "validate/outputs.h"
#include "validate/reference_outputs.h"

namespace mcompress {

struct FidelityOptions {
    int threads = 1;                       // samples in flight; the result does not depend on it
    std::span<const std::int64_t> labels;  // class indices, sample by sample; empty: none
    std::size_t labels_per_sample = 1;     // one for all rows of a sample, or one a row
    std::function<void(std::size_t done, std::size_t total)> progress;
    ComputeType candidate_compute = ComputeType::Float32;
};

struct OutputFidelity {
    std::string name;
    ErrorMeasure measure;  // over all samples
};

struct FidelityResult {
    std::size_t samples = 0;
    std::vector<OutputFidelity> outputs;                 // those both models compute as numbers
    std::optional<ClassificationResult> classification;  // when the first output is [rows, classes] (or [rows, classes, 1, 1])
};

/// Runs both graphs on every sample and compares. Both engines' plans use one thread, samples run in parallel. Throws kDataMismatch when
/// the models disagree about outputs, kLabelsMismatch when labels and samples do not fit.
FidelityResult measure_fidelity(const Engine& engine, const Graph& reference, const Graph& candidate, const Dataset& data,
                                const FidelityOptions& options);
/// As above with outputs of the reference that may be known from an earlier comparison on the same data.
FidelityResult measure_fidelity(const Engine& engine, ReferenceOutputs& reference, const Graph& candidate, const Dataset& data,
                                const FidelityOptions& options);

/// A value of the reference and the value of the candidate that stands for it.
struct LayerPair {
    const Value* reference;
    const Value* candidate;
    std::string op;         // operator that computes it in the reference
    bool rescaled = false;  // the candidate's channels are the reference's times a factor each
};

/// The pairs of values to compare layer by layer: every value that the candidate quantizes (x → QuantizeLinear → DequantizeLinear → x') and
/// that the reference knows under the same name, or under the one it had before equalization (`<name>_equalized`).
std::vector<LayerPair> match_layers(const Graph& reference, const Graph& candidate);

struct LayerFidelity {
    std::string value;
    std::string op;
    bool rescaled = false;  // compared after the factors of its channels were taken back (channel_gains.h)
    ErrorMeasure measure;
};

/// Cumulative error of each layer (the candidate runs on its own activations) over the first `samples` samples.
std::vector<LayerFidelity> measure_layers(const Engine& engine, const Graph& reference, const Graph& candidate, const Dataset& data,
                                          std::size_t samples, int threads, ComputeType candidate_compute = ComputeType::Float32);

}  // namespace mcompress
