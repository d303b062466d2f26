// Whole commands on mutated models: two bytes say what is done, the rest is the model. The result is a sound model with the same interface, or there is an
// Error and no result; what must compute the same does.
#include <algorithm>
#include <array>
#include <set>

#include "libfuzzer/model_mutator.h"
#include "libfuzzer/targets/checked_runs.h"
#include "libfuzzer/targets/targets.h"
#include "onnx/load.h"
#include "ops/infer.h"
#include "ops/verify_ops.h"
#include "pipeline/check_model.h"
#include "pipeline/cluster_model.h"
#include "pipeline/compact_model.h"
#include "pipeline/compress.h"
#include "pipeline/convert_float_model.h"
#include "pipeline/convert_model.h"
#include "pipeline/diff_models.h"
#include "pipeline/factorize_model.h"
#include "pipeline/prepare.h"
#include "pipeline/prune_model.h"
#include "quant/target.h"

namespace mcompress::fuzzing {

namespace {

namespace fs = std::filesystem;

/// What is done, in which of its variants, from file to file.
struct Job {
    std::uint8_t variant;
    fs::path model;
    fs::path output;

    bool has(int bit) const { return (variant >> bit & 1) != 0; }
    template <typename T, std::size_t kCount> const T& choose(const T (&rows)[kCount], int shift = 0) const {
        return rows[static_cast<std::size_t>(variant >> shift) % kCount];
    }
};

void optimize(const Job& job) {
    optimize_model(
        job.model, job.output,
        {.sparse = job.has(0) ? SparseFormat::Coordinates : SparseFormat::Dense, .inside = job.has(1) ? Inside::Strip : Inside::Keep});
    compare_outputs(job.model, job.output, Equality::UpToRounding);
}

/// Only what moves or repeats computations: every bit stays.
void clean(const Job& job) { check_clean(job.model); }

void quantize(const Job& job, const QuantizationScheme& scheme, const Dataset* data = nullptr, QuantizedForm form = QuantizedForm::Qdq) {
    quantize_model({.model = job.model,
                    .output = job.output,
                    .scheme = scheme,
                    .data = data,
                    .quantized_input = job.has(7) ? QuantizedInput::Dequantize : QuantizedInput::Refuse,
                    .form = form});
}

void quantize_weights(const Job& job) {
    static constexpr WeightRounding kRoundings[] = {WeightRounding::Nearest, WeightRounding::Hqq};
    static constexpr ZeroPoints kZeros[] = {ZeroPoints::None, ZeroPoints::Integer, ZeroPoints::Real};
    QuantizationScheme scheme;
    scheme.activations = ActivationMode::Float;
    scheme.weight_only = {.bits = job.has(0) ? 4 : 8,
                          .block = job.has(0) || job.has(1) ? 16 : 0,
                          .rounding = job.choose(kRoundings, 2),
                          .zero_points = job.choose(kZeros, 3),
                          .form = job.has(5) ? WeightForm::DequantizeLinear : WeightForm::MatMulNBits};
    check_weight_only(scheme.weight_only);
    quantize(job, scheme);
}

void quantize_dynamic(const Job& job) {
    QuantizationScheme scheme;
    scheme.activations = ActivationMode::Dynamic;
    scheme.weight_granularity = job.has(0) ? Granularity::PerTensor : Granularity::PerChannel;
    quantize(job, scheme);
}

void quantize_static(const Job& job) {
    const auto samples = random_samples(job.model, 9);
    if (!samples) return;
    const auto targets = mcompress::all_targets();
    QuantizationScheme scheme = scheme_for(targets[static_cast<std::size_t>(job.variant & 3) % targets.size()]);
    scheme.effort = job.has(2) ? Effort::Balanced : Effort::Fast;
    quantize(job, scheme, samples.get(), job.has(3) ? QuantizedForm::QOperator : QuantizedForm::Qdq);
}

void prune(const Job& job) {
    static constexpr const char* kPatterns[] = {"unstructured", "channels", "2:4", "channels", "1x4", "4x1"};
    PruneRequest request{.model = job.model, .output = job.output, .pattern = job.choose(kPatterns)};
    request.options.sparsity = job.has(4) ? 0.9 : 0.5;
    if (request.pattern == "2:4") request.options.sparsity = 0.0;
    request.options.scope = job.has(5) ? Scope::Lamp : Scope::Uniform;
    request.round_to = job.has(6) ? 1 : 8;
    prune_model(request);
}

void convert_floats(const Job& job) {
    static constexpr DType kTypes[] = {DType::Float16, DType::BFloat16, DType::Float32};
    FloatConvertRequest request{.model = job.model, .output = job.output};
    request.conversion.to = job.choose(kTypes);
    request.conversion.interface = job.has(4) ? FloatConversion::Interface::Convert : FloatConversion::Interface::Keep;
    convert_float_model(request);
}

void convert_form(const Job& job) {
    convert_model({.model = job.model, .output = job.output, .form = job.has(0) ? QuantizedForm::QOperator : QuantizedForm::Qdq});
}

void cluster(const Job& job) {
    const CodeStorage storage = job.has(3) ? CodeStorage::Packed : CodeStorage::Bytes;
    const int most = storage == CodeStorage::Packed ? 4 : 8;
    cluster_model(
        {.model = job.model, .output = job.output, .options = {.bits = std::min(2 + (job.variant & 7), most), .storage = storage}});
}

void factorize(const Job& job) {
    FactorizeRequest request{.model = job.model, .output = job.output};
    request.options.gate = CostGate::Macs;
    if (job.has(0)) request.options.energy = 0.9;
    else request.options.ratio = 0.5;
    factorize_model(request);
}

void compact(const Job& job) {
    compact_model(job.model, job.output);
    compare_outputs(job.model, job.output, Equality::UpToRounding);
}

/// What looks at models gives its reports; a model does not differ from itself.
void examine(const Job& job) {
    const std::string findings = to_json(check_model(job.model, 1));
    require(!findings.empty(), "check says nothing");
    const DiffReport same = diff_models(job.model, job.model);
    require(same.is_identical, "a model differs from itself");
    optimize_model(job.model, job.output);
    (void)to_json(diff_models(job.model, job.output));
}

struct Action {
    const char* name;
    void (*run)(const Job& job);
    bool keeps_interface;
};

// clang-format off
constexpr std::array<Action, 13> kActions{{
    {"optimize", optimize, true},
    {"clean", clean, true},
    {"quantize weights", quantize_weights, true},
    {"quantize dynamic", quantize_dynamic, true},
    {"quantize", quantize_static, true},
    {"prune", prune, true},
    {"convert floats", convert_floats, false},
    {"convert form", convert_form, true},
    {"cluster", cluster, true},
    {"factorize", factorize, true},
    {"compact", compact, true},
    {"check and diff", examine, true},
    {"optimize again", optimize, true},
}};
// clang-format on

std::vector<std::string> names_of(std::span<Value* const> values) {
    std::vector<std::string> names;
    for (const Value* value : values) names.push_back(value->name());
    return names;
}

void check_interface(const Graph& before, const Graph& after) {
    require(names_of(before.outputs()) == names_of(after.outputs()), "the outputs are others than before");
    for (const Value* input : after.inputs()) {
        const Value* old = before.find_value(input->name());
        require(old && old->is_graph_input(), "an input was added: '" + input->name() + "'");
    }
    for (const Value* input : before.inputs()) {
        const Value* now = after.find_value(input->name());
        require(input->default_value() || (now && now->is_graph_input()), "an input was lost: '" + input->name() + "'");
    }
}

/// Operators that the imported opset does not have are let through, but not brought in.
bool breaks_rules(const Graph& graph) {
    const auto findings = verify_ops(graph);
    return std::any_of(findings.begin(), findings.end(), [](const Finding& each) { return each.severity == Severity::Error; });
}

void check_result(const Action& action, const Job& job) {
    must("the result", [&] {
        const auto before = load_inlined(job.model), after = load_model(job.output);
        infer_types(*before->graph);
        infer_types(*after->graph);
        if (!breaks_rules(*before->graph)) throw_if_any(verify_ops(*after->graph));
        if (action.keeps_interface) check_interface(*before->graph, *after->graph);
        return 0;
    });
}

void try_pipeline(std::span<const std::byte> input) {
    if (input.size() < 3) return;
    const Action& action = kActions[static_cast<std::size_t>(input[0]) % kActions.size()];
    const Job job{static_cast<std::uint8_t>(input[1]), scratch_file("pipeline/model.onnx", input.subspan(2)),
                  scratch_folder() / "pipeline" / "out.onnx"};
    if (!is_small(job.model)) return;
    std::error_code error;
    fs::remove(job.output, error);
    const bool is_done = is_accepted([&] { action.run(job); });
    const bool has_output = fs::exists(job.output);
    require(is_done || !has_output || action.run == examine, std::string(action.name) + " failed and left an output");
    if (has_output) check_result(action, job);
    for (const auto& entry : fs::directory_iterator(job.output.parent_path()))
        require(entry.path() == job.model || entry.path() == job.output,
                std::string(action.name) + " left " + entry.path().filename().string());
}

void prepare_pipeline() { fs::create_directories(scratch_folder() / "pipeline"); }

std::size_t mutate_pipeline(const Mutation& mutation) {
    testing::Random random(mutation.seed);
    if (mutation.size < 3 || mutation.most < 64) return mutation.bytes(mutation.data, mutation.size, mutation.most);
    if (random.chance(15)) mutation.data[0] = static_cast<std::uint8_t>(random.next());
    if (random.chance(15)) mutation.data[1] = static_cast<std::uint8_t>(random.next());
    return 2 + mutate_serialized_model(
                   {mutation.data + 2, mutation.size - 2, mutation.most - 2, static_cast<unsigned>(random.next()), mutation.bytes});
}

}  // namespace

const Target pipeline_target{"pipeline", try_pipeline, mutate_pipeline, prepare_pipeline};

}  // namespace mcompress::fuzzing
