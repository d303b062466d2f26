// What a command found, as plain data; what is shown of it is in describe.h, writers are free functions (document.h, json.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/peak.h"
#include "ops/cost.h"
#include "passes/pass_manager.h"
#include "quant/scheme.h"
#include "report/range_report.h"
#include "search/findings.h"
#include "tune/fit_block_codes.h"
#include "tune/tune.h"
#include "validate/contention.h"
#include "validate/fidelity.h"
#include "validate/latency.h"

namespace mcompress {

enum class StepDetail { Hidden, Shown };

/// A model at rest.
struct ModelSummary {
    std::string path;
    std::uint64_t bytes = 0;  // on disk, external data included
    std::string precision;    // "float", "int8 (QDQ)", "float16", …: of the bulk of its parameters
    std::int64_t ir_version = 0;
    std::string producer;
    std::vector<std::pair<std::string, int>> opsets;
    std::vector<std::pair<std::string, std::string>> inputs;  // name, type
    std::vector<std::pair<std::string, std::string>> outputs;
    std::size_t nodes = 0;
    GraphCost cost;
    std::string fingerprint;
};

struct OptimizeReport {
    ModelSummary before;
    ModelSummary after;
    std::vector<PassRun> passes;
};

/// How a statically quantized model is written: float operators between pairs of quantizers, or operators on codes.
enum class QuantizedForm { Qdq, QOperator };

struct ConvertReport {
    ModelSummary before;
    ModelSummary after;
    QuantizedForm form = QuantizedForm::Qdq;
    int converted = 0;       // operators
    std::vector<Skip> kept;  // with the reason
    std::vector<PassRun> passes;
};

/// How the ranges of a quantized model came about.
struct CalibrationSummary {
    std::string source;  // the data or the table
    std::size_t samples = 0;
    std::size_t values = 0;
    std::string range_method;
};

/// What was taken out of a model that was quantized already.
struct DequantizeSummary {
    std::map<std::string, int> operators;  // quantization operators by type
};

/// What kernels that add products in 16 bits (x86 without VNNI) would make of a quantized model.
struct SaturationSummary {
    std::int64_t products = 0;  // Conv, Gemm, MatMul on codes that form pairs
    std::int64_t channels = 0;  // their output channels
    std::int64_t at_risk = 0;   // those with a pair of codes that can saturate
    int worst_pair = 0;         // |p + q| of the worst, harmless up to 128
    std::string worst_node;
    int emulated_products = 0;       // validate --emulate: those that computed with saturation
    std::vector<Skip> not_emulated;  // and those that could not be looked into
};

struct QuantizeReport {
    ModelSummary before;
    ModelSummary after;
    std::optional<DequantizeSummary> dequantized;  // before it was quantized anew
    ActivationMode activations = ActivationMode::Static;
    QuantizationScheme scheme;                      // with what the user, the target and the stages decided
    std::optional<CalibrationSummary> calibration;  // of static activations
    std::size_t quantized_nodes = 0;                // Conv, Gemm, MatMul, … with integer weights (and inputs, when calibrated)
    std::size_t compute_nodes = 0;                  // all such nodes
    double quantized_macs_share = 0.0;              // of the model's multiply-accumulates
    std::optional<SaturationSummary> saturation;    // of integer products, when there are any
    double quantized_bytes_share = 0.0;             // of the float model's constants, in bytes
    std::size_t wide_nodes = 0;                     // of the quantized ones, those between 16-bit codes
    std::vector<Skip> left_in_float;                // with the reason
    std::vector<TuningNote> tuning;                 // what was done for accuracy, and what it gained
    std::optional<SelfCheckReport> self_check;      // of a model quantized with data, without a budget
    std::optional<BudgetReport> budget;             // when one was given; when it was not met, no model was written
    std::vector<Skip> notes;                        // raised scales, constant tensors and the like
    std::vector<RangeSummary> ranges;               // of calibrated activations
    std::vector<PassRun> passes;
    WeightOnlyScheme weight_only;    // of `weights`
    std::vector<WeightFit> weights;  // stored in blocks
};

struct StepSummary {
    std::size_t steps = 0;
    std::size_t int8_steps = 0;
    std::vector<StepInfo> details;
};

struct Gate {
    std::string name;  // "min-agreement"
    double limit = 0.0;
    double measured = 0.0;
    bool passed = false;
};

struct ValidateReport {
    ModelSummary reference;
    ModelSummary candidate;
    std::string data;
    FidelityResult fidelity;
    std::vector<LayerFidelity> layers;
    std::size_t layer_samples = 0;
    std::optional<LatencyPair> latency;
    int latency_threads = 0;
    Contention contention;  // while the latency was measured
    StepSummary candidate_steps;
    std::optional<SaturationSummary> emulated;  // when the candidate computed with 16-bit sums
    std::vector<Gate> gates;
    StepDetail step_detail = StepDetail::Hidden;
};

/// A model at one batch size and number of threads.
struct BenchRow {
    std::string model;                                        // the file
    std::vector<std::pair<std::string, std::string>> inputs;  // name, type as run
    std::int64_t batch = 1;
    int threads = 1;
    double compile_ms = 0.0;
    double first_run_ms = 0.0;
    Latency latency;
    std::int64_t macs = 0;
    double steps_ms = 0.0;              // sum of the steps' own times, each repeated in a row: caches are warm
    double steps_within_runs_ms = 0.0;  // the same as they happen in whole runs
    double reorders_ms = 0.0;           // of them, spent on changing layouts
    std::vector<StepInfo> steps;
    std::vector<double> step_ms;              // by step, warm
    std::vector<double> step_within_runs_ms;  // by step
    std::optional<Latency> opponent;          // of the model to compare with, measured in alternation
    double speedup = 0.0;                     // median ratio of the opponent's time to this one's

    double samples_per_second() const { return 1e3 * static_cast<double>(batch) / latency.median_ms; }
    double gops() const { return 2e-6 * static_cast<double>(macs) / latency.median_ms; }
};

struct BenchReport {
    std::vector<BenchRow> rows;
    std::string opponent;                          // the file, when there is one
    std::vector<std::pair<int, PeakRates>> peaks;  // by number of threads
    Contention contention;
    StepDetail step_detail = StepDetail::Hidden;
};

}  // namespace mcompress
