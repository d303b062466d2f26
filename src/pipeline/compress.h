// The main job: load → clean → fuse → insert observers → calibrate → quantize → emit.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "onnx/planned_files.h"
#include "onnx/stamp.h"
#include "passes/quantize/select_nodes.h"
#include "pipeline/overrides.h"
#include "pipeline/precision_stage.h"
#include "pipeline/prepare.h"
#include "pipeline/sparse_output.h"
#include "quant/calibration_table.h"
#include "quant/scheme.h"
#include "report/report.h"
#include "support/stage_progress.h"

namespace mcompress {

using Progress = std::function<void(std::size_t done, std::size_t total)>;  // of the only stage

struct CalibrateRequest {
    std::filesystem::path model;
    const Dataset* data = nullptr;
    int threads = 1;
    StageProgress progress = {};
    QuantizationScheme scheme = {};  // says what is quantized, and therefore looked at
};

/// What becomes of a model that is quantized already.
enum class QuantizedInput { Refuse, Dequantize };

/// Whether the scales of channels are evened out where the effort would not: their values get other names, which a file without weights fitted has, too.
enum class Equalization { AsTheEffortSays, Always };

struct QuantizeRequest {
    std::filesystem::path model;
    std::filesystem::path output;
    QuantizationScheme scheme = {};          // Dynamic activations need neither data nor table
    NodeSelection selection = {};            // becomes part of the scheme's decisions
    Overrides overrides = {};                // likewise
    const Dataset* data = nullptr;           // samples to calibrate on
    std::filesystem::path calibration = {};  // or a stored table; neither: weights only
    std::string data_name = {};              // for the report
    QuantizedInput quantized_input = QuantizedInput::Refuse;
    QuantizedForm form = QuantizedForm::Qdq;                         // QOperator needs quantized activations
    std::vector<std::pair<std::string, std::string>> metadata = {};  // added to the model's own
    int threads = 1;
    StageProgress progress = {};
    std::optional<AccuracyBudget> budget = {};  // needs data
    std::optional<Stamp> stamp = {};            // put into the model
    PlannedFiles* planned = nullptr;            // not null: takes what would be written, and nothing is
    Equalization equalization = Equalization::AsTheEffortSays;
};

/// Whether what is inside a model keeps its names and declared types (passes strip-names, strip-declared-types).
enum class Inside { Keep, Strip };

struct OptimizeSettings {
    SparseFormat sparse = SparseFormat::Dense;
    Inside inside = Inside::Keep;
    std::optional<Stamp> stamp = {};
    PlannedFiles* planned = nullptr;  // not null: takes what would be written, and nothing is
    StageProgress progress = {};
};

/// Cleans and fuses a model and writes it to `output`.
OptimizeReport optimize_model(const std::filesystem::path& model, const std::filesystem::path& output,
                              const OptimizeSettings& settings = {});

/// The statistics of every value that quantize_model() would need, over all samples of the data.
CalibrationTable calibrate_model(const CalibrateRequest& request);

/// Quantizes a model; writes it to `request.output`, unless a budget was given that cannot be kept (report.budget->met says so). The bytes depend on the model, the scheme and the set of samples only.
QuantizeReport quantize_model(const QuantizeRequest& request);

}  // namespace mcompress
