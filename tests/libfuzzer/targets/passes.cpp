// Passes without engine and files, many a second: the first byte says which pipeline runs on the model behind it. The graph stays valid and typed, the interface
// stays, the result survives being written and read, and a second run to the fixed point changes nothing.
#include <algorithm>
#include <array>
#include <memory>

#include "ir/verify.h"
#include "libfuzzer/model_mutator.h"
#include "libfuzzer/targets/targets.h"
#include "onnx/emit.h"
#include "onnx/inline_functions.h"
#include "onnx/load.h"
#include "onnx/sparse_constants.h"
#include "ops/infer.h"
#include "passes/pipelines.h"

namespace mcompress::fuzzing {

namespace {

constexpr std::size_t kMostNodes = 200, kMostFunctions = 6;
constexpr std::array kNames{
    "clean",           "fuse",   "quantize-dynamic", "quantize-channels", "compact", "dequantize", "qoperator", "qdq", "tidy",
    "strip-codebooks", "observe"};

std::unique_ptr<Model> load(const std::string& bytes) {
    const auto owner = std::make_shared<const std::string>(bytes);
    return load_model_bytes(std::as_bytes(std::span(*owner)), owner, {});
}

std::vector<std::string> names_of(std::span<Value* const> values) {
    std::vector<std::string> names;
    for (const Value* value : values) names.push_back(value->name());
    return names;
}

int rewrites(const std::vector<PassRun>& runs) {
    int total = 0;
    for (const PassRun& run : runs) total += run.result.rewrites;
    return total;
}

bool comes_to_rest(std::string_view name) {
    const auto pipelines = all_pipelines();
    const auto row = std::find_if(pipelines.begin(), pipelines.end(), [&](const Pipeline& each) { return each.name == name; });
    return row->repetition == Pipeline::Repetition::ToFixedPoint;
}

void check_graph(const Model& model, const std::vector<std::string>& outputs) {
    for (const Finding& finding : verify(model))
        if (finding.severity == Severity::Error) report_broken(finding.object + ": " + finding.problem());
    require(names_of(model.graph->outputs()) == outputs, "the outputs are others than before");
}

void check_round_trip(const Model& model) {
    std::string bytes;
    if (!is_accepted([&] { bytes = emit_model_bytes(model); })) return;  // operators of our own domain
    // Annotations of tensors that are gone are left out when it is written: not the graph in memory is compared, but what is written of it.
    must("the result", [&] {
        const auto again = load(bytes);
        infer_types(*again->graph);
        require(names_of(again->graph->outputs()) == names_of(model.graph->outputs()), "the outputs are not those that were written");
        require(emit_model_bytes(*again) == bytes, "a result that was read again is written in other bytes");
        return 0;
    });
}

void try_passes(std::span<const std::byte> input) {
    if (input.size() < 2) return;
    const char* name = kNames[static_cast<std::size_t>(input[0]) % kNames.size()];
    const std::string bytes(reinterpret_cast<const char*>(input.data()) + 1, input.size() - 1);
    std::unique_ptr<Model> model;
    if (!is_accepted([&] {
            model = load(bytes);
            if (model->graph->nodes().size() > kMostNodes || model->functions.size() > kMostFunctions) model.reset();
            if (!model) return;
            inline_functions(*model);
            expand_sparse_constants(*model->graph);
            infer_types(*model->graph);
        }) ||
        !model)
        return;
    const std::vector<std::string> outputs = names_of(model->graph->outputs());
    QuantizationScheme scheme;
    scheme.activations = ActivationMode::Dynamic;
    const PassInputs inputs{{}, scheme, nullptr};
    if (!is_accepted([&] { run_pipeline(name, *model->graph, inputs); })) return;
    check_graph(*model, outputs);
    infer_types(*model->graph);
    check_round_trip(*model);
    if (comes_to_rest(name))
        require(rewrites(run_pipeline(name, *model->graph, inputs)) == 0, std::string(name) + " rewrites again what it left");
}

std::size_t mutate_passes(const Mutation& mutation) {
    testing::Random random(mutation.seed);
    if (mutation.size < 2 || mutation.most < 64) return mutation.bytes(mutation.data, mutation.size, mutation.most);
    if (random.chance(20)) mutation.data[0] = static_cast<std::uint8_t>(random.next());
    return 1 + mutate_serialized_model(
                   {mutation.data + 1, mutation.size - 1, mutation.most - 1, static_cast<unsigned>(random.next()), mutation.bytes});
}

}  // namespace

const Target passes_target{"passes", try_passes, mutate_passes};

}  // namespace mcompress::fuzzing
