// Runs a graph with observers over a dataset and gathers the statistics of every observed value.
#pragma once

#include <cstddef>
#include <functional>

#include "data/dataset.h"
#include "engine/engine.h"
#include "quant/calibration_table.h"

namespace mcompress {

struct CalibrateOptions {
    int threads = 1;              // samples that run at the same time, each on one thread
    std::size_t max_samples = 0;  // 0: all
    /// Of all shards together, whose tables will be merged: many samples are counted less finely (decision 0009). 0: there are no others.
    std::size_t samples_of_all_shards = 0;
    /// Called after each run, from one thread at a time, with done rising from 1 to total.
    std::function<void(std::size_t done, std::size_t total)> progress = {};
};

/// One entry for every value an Observe node reads; the fingerprint is left to the caller. The table is the same for any number of threads
/// and any order of the samples, and memory does not grow with their number. A model with a fixed batch N takes N samples a run; the
/// remainder is left out. Throws kDataEmpty without a sample, kDataMismatch when a sample does not fit the inputs, kDataNotFinite when a
/// sample holds NaN or infinity; errors name the sample.
CalibrationTable calibrate(const Graph& graph, const Engine& engine, const Dataset& data, const CalibrateOptions& options = {});

}  // namespace mcompress
