// Real models, as they are, optimized and quantized, at two batch sizes or lengths where these are open: ONNX Runtime gives what our engine gives.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "../data/temporary_folder.h"
#include "catch.h"
#include "data/array_dataset.h"
#include "engine/engine.h"
#include "fixtures/assets.h"
#include "fixtures/judge_json.h"
#include "fixtures/onnx_case.h"
#include "fixtures/random_tensors.h"
#include "onnx/load.h"
#include "onnx/sparse_constants.h"
#include "ops/infer.h"
#include "pipeline/cluster_model.h"
#include "pipeline/compress.h"
#include "pipeline/convert_float_model.h"
#include "pipeline/convert_model.h"
#include "pipeline/emulate_half.h"
#include "pipeline/prune_model.h"
#include "support/error.h"

using namespace mcompress;
using namespace mcompress::testing;
namespace fs = std::filesystem;

namespace {

/// Of largest numbers. Quantized models may differ by whole steps where a value falls on a rounding edge.
constexpr double kFloat = 1e-4, kQuantized = 0.05, kHalf = 0.02;

struct Allowance {
    std::string_view model, kind;  // kind "": all
    double bound;
};

/// float16 is rounded after every operator here; ONNX Runtime computes in float32 between the casts it puts around operators without half kernels, and takes casts that meet out again. So values
/// that pass 65504 (magika's squares, basic_pitch's powers: `convert --data` keeps them in float32) overflow here and not there: what half kernels would give is not what it gives.
/// yolox on noise is 18 dB from its float model there as well. Noise as input makes single codes weigh more in these two: instance
/// normalization of almost equal values, and channels of which a few hold most of the energy.
constexpr Allowance kAllowances[] = {
    {"squeezenet1_1_fp16_winml", "", 0.01},
    {"style_candy", "quantized", 0.3},
    {"style_candy", "qoperator", 0.3},  // the same codes in other forms
    {"style_candy", "qdq", 0.3},
    {"picodet_s_320_coco", "quantized", 0.2},
    {"basic_pitch_nmp", "half", 4.0},
    {"magika_v3_3", "half", 1.0},
    {"yolox_nano", "half", 1.0},
};

double bound_of(const std::string& model, const std::string& kind) {
    for (const Allowance& row : kAllowances)
        if (row.model == model && (row.kind.empty() || row.kind == kind)) return row.bound;
    if (kind == "half") return kHalf;
    // ONNX Runtime turns DequantizeLinear in blocks and MatMul into one kernel that takes activations in 8 bits.
    const bool rounds = kind == "quantized" || kind == "qoperator" || kind == "qdq" || kind == "dynamic" || kind == "standard blocks";
    return rounds || model.starts_with("q_") ? kQuantized : kFloat;
}

bool has_open_batch(const Graph& graph) {
    const auto is_open = [](const Value* value) {
        return value->default_value() || (value->type().has_rank() && value->type().rank() > 0 && !(*value->type().dims)[0].is_known());
    };
    return std::all_of(graph.inputs().begin(), graph.inputs().end(), is_open) &&
           std::all_of(graph.outputs().begin(), graph.outputs().end(), is_open);
}

/// The stored inputs at all stored sizes; where there are fewer than two and the batch is open, random ones of two samples.
std::vector<std::vector<Tensor>> inputs_of(const Graph& graph, const fs::path& stored) {
    std::vector<std::vector<Tensor>> sizes;
    if (fs::exists(stored))
        for (const fs::path& folder : data_set_folders(stored)) sizes.push_back(load_data_set(folder, graph).inputs);
    constexpr ValueBounds kPixels{0.0, 255.0};
    if (sizes.empty()) {
        sizes.emplace_back();
        for (const Value* input : graph.inputs()) {
            std::vector<std::int64_t> dims;
            for (const Dim& dim : *input->type().dims) dims.push_back(dim.is_known() ? dim.extent() : 1);
            sizes.back().push_back(input->default_value() ? Tensor()
                                                          : random_tensor(input->type().dtype, Shape(std::move(dims)), 5, kPixels));
        }
    }
    constexpr std::int64_t kLargest = 1'000'000;  // elements: what is handed over as text should stay small
    const bool is_large =
        std::any_of(sizes[0].begin(), sizes[0].end(), [](const Tensor& t) { return t.defined() && t.element_count() > kLargest; });
    if (sizes.size() > 1 || is_large || !has_open_batch(graph)) return sizes;
    sizes.push_back(sizes.front());
    for (std::size_t at = 0; at < sizes.back().size(); ++at) {
        Tensor& tensor = sizes.back()[at];
        if (!tensor.defined()) continue;
        Shape shape = tensor.shape();
        shape[0] = 2;
        tensor = random_tensor(tensor.dtype(), shape, 6, kPixels);
    }
    return sizes;
}

struct Line {
    std::string model, kind;
    fs::path original, file;
};

/// One line of subjects.jsonl: what our engine makes of the file.
std::string judged(const Line& line, const std::vector<Tensor>& inputs) {
    const auto model = load_model(line.file);
    expand_sparse_constants(*model->graph);
    infer_types(*model->graph);
    const Graph& graph = *model->graph;
    CompileOptions options;
    std::vector<std::string> given, found;
    std::string size;
    for (std::size_t at = 0; at < inputs.size(); ++at) {
        if (!inputs[at].defined()) continue;
        options.input_shapes[graph.inputs()[at]->name()] = inputs[at].shape();
        given.push_back(json_tensor(graph.inputs()[at]->name(), inputs[at]));
        size += inputs[at].shape().to_string();
    }
    // Half kernels are plain loops; float kernels with the same roundings give the same numbers in a fraction of the time.
    const std::unique_ptr<Graph> emulated = line.kind == "half" ? emulate_half(graph) : nullptr;
    const std::vector<Tensor> outputs = make_onednn_engine()->compile(emulated ? *emulated : graph, options)->run(inputs);
    for (std::size_t at = 0; at < outputs.size(); ++at) found.push_back(json_tensor(graph.outputs()[at]->name(), outputs[at]));
    const auto as_is = [](const std::string& text) { return text; };
    return format("{{\"kind\":\"{}\",\"name\":{},\"original\":{},\"model\":{},\"of_largest\":{},\"inputs\":{},\"outputs\":{}}}\n",
                  line.kind, json_string(line.model + " " + size), json_string(line.original.string()), json_string(line.file.string()),
                  bound_of(line.model, line.kind), json_list(given, as_is), json_list(found, as_is));
}

void quantize(const fs::path& original, const Graph& graph, const std::vector<Tensor>& inputs, const fs::path& to,
              const QuantizationScheme& scheme = {}) {
    std::vector<NamedArray> arrays;
    for (std::size_t at = 0; at < inputs.size(); ++at)
        if (inputs[at].defined()) arrays.push_back({graph.inputs()[at]->name(), "stored inputs", inputs[at]});
    const auto data = make_array_dataset(std::move(arrays), SampleAxis::None);
    quantize_model({.model = original, .output = to, .scheme = scheme, .data = data.get(), .data_name = "stored inputs"});
}

/// Products with matrices of some size, most of what the model holds.
constexpr std::string_view kTransformers[] = {"stories260k_llama", "magika_v3_3", "mobilevit_xxs_flowers_256", "g2p_en_gru_seq2seq",
                                              "nnsplit_en_lstm"};

struct WeightOnlyKind {
    std::string kind;
    WeightOnlyScheme scheme;
};

const WeightOnlyKind kWeightOnly[] = {
    {"4 bits", {4, 32, WeightRounding::Nearest, ZeroPoints::None, WeightForm::MatMulNBits}},
    {"4 bits, hqq", {4, 64, WeightRounding::Hqq, ZeroPoints::Real, WeightForm::MatMulNBits}},
    {"4 bits, gptq", {4, 32, WeightRounding::Gptq, ZeroPoints::Integer, WeightForm::MatMulNBits}},
    {"8 bits", {8, 32, WeightRounding::Nearest, ZeroPoints::Integer, WeightForm::MatMulNBits}},
    {"standard blocks", {4, 32, WeightRounding::Hqq, ZeroPoints::Integer, WeightForm::DequantizeLinear}},
};

/// Weights in codebooks, where there are any to cluster.
void add_clustered(const std::string& name, const fs::path& original, const TemporaryFolder& folder, std::vector<Line>& lines) {
    for (const CodeStorage storage : {CodeStorage::Bytes, CodeStorage::Packed}) {
        const std::string kind = storage == CodeStorage::Bytes ? "clustered" : "clustered, packed";
        ClusterRequest request;
        request.model = original;
        request.output = folder / (kind + ".onnx");
        request.options.bits = storage == CodeStorage::Bytes ? 6 : 4;
        request.options.storage = storage;
        try {
            cluster_model(request);
            lines.push_back({name, kind, original, request.output});
        } catch (const Error& error) {
            if (error.code().id != codes::kUsage.id && error.code().id != codes::kOpsetUnsupported.id) throw;
        }
    }
}

/// The other forms of a quantized file, when there is anything in it to convert.
void add_forms(const std::string& name, const fs::path& from, const TemporaryFolder& folder, std::vector<Line>& lines) {
    for (const auto& [form, kind] : {std::pair(QuantizedForm::QOperator, "qoperator"), std::pair(QuantizedForm::Qdq, "qdq")}) {
        const fs::path to = folder / (std::string(kind) + ".onnx");
        try {
            convert_model(
                {form == QuantizedForm::Qdq && fs::exists(folder / "qoperator.onnx") ? folder / "qoperator.onnx" : from, to, form});
            lines.push_back({name, kind, lines[0].original, to});
        } catch (const Error& error) {
            if (error.code().id != codes::kUsage.id) throw;  // nothing to convert
        }
    }
}

/// Pruned, constants as values and places: our engine runs them written out, ONNX Runtime reads the file.
void add_sparse(const std::string& name, const fs::path& original, const TemporaryFolder& folder, std::vector<Line>& lines) {
    PruneRequest request;
    request.model = original;
    request.output = folder / "sparse.onnx";
    request.options.sparsity = 0.8;
    request.sparse_format = SparseFormat::Coordinates;
    try {
        if (prune_model(request).sparse.constants > 0) lines.push_back({name, "sparse", original, request.output});
    } catch (const Error& error) {
        if (error.code().id != codes::kUsage.id) throw;  // nothing to prune
    }
}

/// In float16, unless it is already.
void add_half(const std::string& name, const fs::path& original, const TemporaryFolder& folder, std::vector<Line>& lines) {
    if (name.find("fp16") != std::string::npos) return;
    FloatConvertRequest request;
    request.model = original;
    request.output = folder / "half.onnx";
    convert_float_model(request);
    lines.push_back({name, "half", original, request.output});
}

void export_model(const std::string& name, const TemporaryFolder& folder) {
    std::ofstream index(folder / "subjects.jsonl");
    const fs::path original = assets() / "models" / (name + ".onnx");
    const auto model = load_model(original);
    infer_types(*model->graph);
    const auto sizes = inputs_of(*model->graph, assets() / "expected" / name);
    std::vector<Line> lines{{name, "original", original, original}, {name, "optimized", original, folder / "optimized.onnx"}};
    optimize_model(original, lines[1].file, {.inside = Inside::Strip});
    if (!name.starts_with("q_")) {
        lines.push_back({name, "quantized", original, folder / "int8.onnx"});
        quantize(original, *model->graph, sizes.front(), lines[2].file);
        lines.push_back({name, "dynamic", original, folder / "dynamic.onnx"});
        QuantizeRequest request{.model = original, .output = lines[3].file};
        request.scheme.activations = ActivationMode::Dynamic;
        quantize_model(request);
        add_half(name, original, folder, lines);
    }
    if (std::find(std::begin(kTransformers), std::end(kTransformers), name) != std::end(kTransformers))
        for (const auto& [kind, weight_only] : kWeightOnly) {
            QuantizationScheme scheme;
            scheme.activations = ActivationMode::Float;
            scheme.weight_only = weight_only;
            lines.push_back({name, kind, original, folder / (std::to_string(lines.size()) + ".onnx")});
            quantize(original, *model->graph, sizes.front(), lines.back().file, scheme);
        }
    add_clustered(name, original, folder, lines);
    add_sparse(name, original, folder, lines);
    add_forms(name, name.starts_with("q_") ? original : folder / "int8.onnx", folder, lines);
    for (const Line& line : lines)
        for (const auto& inputs : sizes) index << judged(line, inputs);
}

}  // namespace

TEST_CASE("real models agree with ONNX Runtime as they are, optimized and quantized", "[interop]") {
    const std::string script = std::string(MCOMPRESS_TESTS_DIR) + "/interop/agree.js";
    if (!fs::exists(assets() / "models") || std::system(format("node '{}' --probe", script).c_str()) != 0) {
        std::cout << "real models not judged: MCOMPRESS_ASSETS or onnxruntime-node is missing\n";
        return;
    }
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(assets() / "models"))
        if (entry.path().extension() == ".onnx") names.push_back(entry.path().stem().string());
    std::sort(names.begin(), names.end());
    if (const char* only = std::getenv("MCOMPRESS_ONLY")) std::erase_if(names, [&](const std::string& name) { return name != only; });
    for (const std::string& name : names) {
        INFO(name);
        const TemporaryFolder folder;
        CHECK_NOTHROW(export_model(name, folder));
        std::cout.flush();
        CHECK(std::system(format("node '{}' '{}' --each", script, folder.path().string()).c_str()) == 0);
    }
}
