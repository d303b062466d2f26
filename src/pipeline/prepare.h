// The way from a file to the graph that calibration tables belong to.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "ir/model.h"
#include "passes/pass_manager.h"
#include "passes/registry.h"
#include "quant/calibration_table.h"
#include "quant/scheme.h"

namespace mcompress {

/// Loads a model, expands the calls of its own functions and writes sparse constants out; types are not inferred yet.
std::unique_ptr<Model> load_inlined(const std::filesystem::path& path);

/// What passes get: an evaluator bound to the engine, the scheme, the table.
PassInputs pass_inputs(const QuantizationScheme& scheme = {}, const CalibrationTable* table = nullptr);

/// Brings a model whose types are inferred to an opset that allows per-channel quantization, writes out weights that are held in codebooks, cleans and fuses it.
std::vector<PassRun> prepare(Model& model);

/// Loads a model and prepares it: the graph that calibration tables belong to, and whose value names layer comparisons use.
std::unique_ptr<Model> load_prepared(const std::filesystem::path& path, std::vector<PassRun>& passes);

}  // namespace mcompress
