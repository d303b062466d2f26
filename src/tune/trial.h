// The yardstick of every search: how far a quantized graph's outputs are from the float graph's, on samples nothing was fitted to.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "data/dataset.h"
#include "engine/engine.h"
#include "ir/graph.h"
#include "quant/calibration_table.h"
#include "quant/scheme.h"
#include "tensor/compare.h"

namespace mcompress {

struct TrialResult {
    std::vector<ErrorMeasure> outputs;  // by graph output; those that are no floats count nothing, unless none is
    std::size_t rows = 0;               // decisions of a classifier (first output [rows, classes]); 0 when it is none
    std::size_t agreements = 0;

    /// Mean over the outputs of noise/signal; 0 for equal outputs, infinity when one side became NaN or infinite.
    double relative_noise() const;
    /// -10 log10(relative_noise()).
    double sqnr_db() const;
    std::optional<double> agreement() const;  // of a classifier's decisions, 0…1
    /// Adds another sample's result; the outputs are the same ones.
    void add(const TrialResult& other);
};

/// How far the outputs of one run are from those of the float graph.
TrialResult compare_outputs(const std::vector<Tensor>& expected, const std::vector<Tensor>& found);

class Trial {
public:
    /// Runs the float graph once on each sample and keeps its outputs (of many samples those that fit 16 MB, of others they are computed each time); takes at most as many samples
    /// as have 64 MB of inputs and outputs (and one). Inputs are read each time. The graph's inputs must be those of the graphs to be measured. Everything borrowed must outlive the trial.
    Trial(const Engine& engine, const Graph& reference, const Dataset& held_out, int threads);

    /// The same for any number of threads. Throws as the engine does.
    TrialResult measure(const Graph& candidate) const;
    std::size_t samples() const { return samples_; }

private:
    const Engine& engine_;
    const Graph& reference_;
    const Dataset& held_out_;
    int threads_;
    std::size_t samples_ = 0;
    std::vector<std::vector<Tensor>> expected_;  // by sample: of the first ones
};

/// A copy of a prepared float graph, quantized by the passes of pipeline "quantize". The scheme's decisions apply; the graph stays as it is.
std::unique_ptr<Graph> quantized_copy(const Graph& graph, const QuantizationScheme& scheme, const CalibrationTable& table);

}  // namespace mcompress
