// Every real model on both engines: against the outputs another runtime stored, against each other, and at a second batch size.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <random>

#include "catch.h"
#include "engine/engine.h"
#include "engine/onednn/plan.h"
#include "fixtures/assets.h"
#include "fixtures/onnx_case.h"
#include "onnx/load.h"
#include "ops/infer.h"
#include "support/error.h"
#include "support/format.h"
#include "tensor/compare.h"

using namespace mcompress;
namespace fs = std::filesystem;

namespace {

/// What errors are relative to at least: a sigmoid far from 0.5 gives numbers near 0, and the other runtime's is off by 1e-7 there.
constexpr double kSmallestReference = 1e-2;
/// Of everything that computes in float32, recurrent and attention models included.
constexpr double kTolerance = 1e-4;

struct Allowance {
    std::string_view model;
    double reference, onednn;  // largest relative error of each engine, against stored outputs
};

/// Models that may differ by more. Quantized ones differ by whole steps where a float sum falls on a rounding edge (the other runtime differs from
/// itself by as much when its optimizer is on). The float16 model is rounded to 11 bits after every operator here; the other runtime computes
/// several operators in float32 before it rounds.
constexpr Allowance kAllowances[] = {
    {"q_mobilenet_v2_qdq_int8_244", 0.05, 0.08},
    {"q_stm_ssd_mbv2fpnlite_qdq", 0.05, 0.05},
    {"squeezenet1_1_fp16_winml", 0.01, 0.01},
};

double tolerance(std::string_view model, std::string_view engine) {
    for (const Allowance& row : kAllowances)
        if (row.model == model) return engine == "onednn" ? row.onednn : row.reference;
    return kTolerance;
}

struct Case {
    std::string name;
    std::unique_ptr<Model> model;
    std::vector<OnnxDataSet> stored;
};

std::vector<std::string> model_names() {
    std::vector<std::string> names;
    if (!fs::exists(assets() / "models")) return names;
    for (const auto& entry : fs::directory_iterator(assets() / "models"))
        if (entry.path().extension() == ".onnx") names.push_back(entry.path().stem().string());
    std::sort(names.begin(), names.end());
    if (const char* only = std::getenv("MCOMPRESS_ONLY")) std::erase_if(names, [&](const std::string& name) { return name != only; });
    return names;
}

Case load_case(const std::string& name) {
    Case loaded{name, load_model(assets() / "models" / (name + ".onnx")), {}};
    infer_types(*loaded.model->graph);
    if (fs::exists(assets() / "expected" / name))
        for (const fs::path& folder : data_set_folders(assets() / "expected" / name))
            loaded.stored.push_back(load_data_set(folder, *loaded.model->graph));
    return loaded;
}

std::vector<Tensor> run(const Engine& engine, const Graph& graph, const std::vector<Tensor>& inputs) {
    CompileOptions options;
    for (std::size_t at = 0; at < inputs.size(); ++at)
        if (inputs[at].defined()) options.input_shapes[graph.inputs()[at]->name()] = inputs[at].shape();
    return engine.compile(graph, options)->run(inputs);
}

/// Largest error of all outputs, each relative to its largest value; throws when type or shape differ.
double worst_error(const std::vector<Tensor>& found, const std::vector<Tensor>& expected) {
    double worst = 0.0;
    for (std::size_t at = 0; at < found.size(); ++at) {
        if (!expected[at].defined()) continue;
        if (found[at].shape() != expected[at].shape() || found[at].dtype() != expected[at].dtype())
            fail(codes::kDataMismatch, "output {} is {} {}, expected {} {}", at, dtype_name(found[at].dtype()),
                 found[at].shape().to_string(), dtype_name(expected[at].dtype()), expected[at].shape().to_string());
        ErrorMeasure measure;
        measure.add(to_floats(expected[at]), to_floats(found[at]));
        if (measure.not_finite > 0) return HUGE_VAL;
        worst = std::max(worst, measure.max_absolute / std::max(measure.max_reference, kSmallestReference));
    }
    return worst;
}

/// Pixels from 0 to 255 in the declared shapes; unknown dimensions are 1. (Of noise about 0, the instance normalizations of style_candy make
/// rounding errors a thousand times larger, in every engine.)
std::vector<Tensor> random_inputs(const Graph& graph) {
    std::mt19937 random(11);
    std::uniform_real_distribution<float> pixel(0.0F, 255.0F);
    std::vector<Tensor> inputs;
    for (const Value* input : graph.inputs()) {
        inputs.emplace_back();
        if (input->default_value()) continue;
        std::vector<std::int64_t> dims;
        for (const Dim& dim : *input->type().dims) dims.push_back(dim.is_known() ? dim.extent() : 1);
        Tensor tensor = Tensor::uninitialized(DType::Float32, Shape(dims));
        REQUIRE(input->type().dtype == DType::Float32);
        for (std::int64_t at = 0; at < tensor.element_count(); ++at) tensor.mutable_data<float>()[at] = pixel(random);
        inputs.back() = std::move(tensor);
    }
    return inputs;
}

/// Whether the model says that the first axis of everything that goes in and out may have any length.
bool has_open_batch(const Graph& graph) {
    const auto is_open = [](const Value* value) {
        return value->default_value() || (value->type().has_rank() && value->type().rank() > 0 && !(*value->type().dims)[0].is_known());
    };
    return std::all_of(graph.inputs().begin(), graph.inputs().end(), is_open) &&
           std::all_of(graph.outputs().begin(), graph.outputs().end(), is_open);
}

/// The sample and, behind it on the first axis, its elements in reverse order: another sample of the same values.
Tensor with_reverse(const Tensor& tensor) {
    Shape shape = tensor.shape();
    shape[0] *= 2;
    Tensor joined = Tensor::uninitialized(tensor.dtype(), shape);
    const std::size_t width = static_cast<std::size_t>(dtype_bits(tensor.dtype())) / 8, count = tensor.byte_size() / width;
    std::byte* to = std::copy_n(tensor.bytes(), tensor.byte_size(), joined.mutable_bytes());
    for (std::size_t at = count; at-- > 0;) to = std::copy_n(tensor.bytes() + at * width, width, to);
    return joined;
}

Tensor part(const Tensor& joined, std::int64_t index, std::int64_t parts) {
    Shape shape = joined.shape();
    REQUIRE(shape[0] % parts == 0);
    shape[0] /= parts;
    const std::size_t bytes = joined.byte_size() / static_cast<std::size_t>(parts);
    return Tensor::from_bytes(joined.dtype(), shape, {joined.bytes() + static_cast<std::size_t>(index) * bytes, bytes});
}

std::vector<Tensor> parts(const std::vector<Tensor>& joined, std::int64_t index) {
    std::vector<Tensor> result;
    for (const Tensor& tensor : joined) result.push_back(tensor.defined() ? part(tensor, index, 2) : tensor);
    return result;
}

/// The errors of a batch of two, whose first half is a stored sample: of the first half to the stored outputs, and of the second half to
/// what the same engine says of it alone.
double batch_error(const Engine& engine, const Case& model) {
    const OnnxDataSet& set = model.stored.front();
    std::vector<Tensor> pair;
    for (const Tensor& input : set.inputs) pair.push_back(input.defined() ? with_reverse(input) : input);
    const std::vector<Tensor> found = run(engine, *model.model->graph, pair);
    const std::vector<Tensor> alone = run(engine, *model.model->graph, parts(pair, 1));
    return std::max(worst_error(parts(found, 0), set.outputs), worst_error(parts(found, 1), alone));
}

/// Runs one measurement; an Error becomes part of the line.
template <typename Measure> std::string measured(double allowed, Measure&& measure) {
    const auto start = std::chrono::steady_clock::now();
    try {
        const double error = measure();
        CHECK(error <= allowed);
        return format(" {:9.3g} {:5.2f} s", error, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    } catch (const Error& caught) {
        FAIL_CHECK(caught.what());
        return format(" {}", caught.what());
    }
}

}  // namespace

TEST_CASE("both engines give the stored outputs of real models", "[accuracy]") {
    const std::vector<std::string> names = model_names();
    if (names.empty()) {
        WARN("no assets folder (MCOMPRESS_ASSETS): nothing was tested");
        return;
    }
    const std::unique_ptr<Engine> engines[] = {make_reference_engine(), make_onednn_engine()};
    std::string table = "\n  model, data set: largest relative error and time of reference and onednn";
    for (const std::string& name : names) {
        INFO(name);
        const Case model = load_case(name);
        for (const OnnxDataSet& set : model.stored) {
            table += format("\n  {:36} {}", name, set.folder.filename().string().back());
            for (const auto& engine : engines)
                table += measured(tolerance(name, engine->name()),
                                  [&] { return worst_error(run(*engine, *model.model->graph, set.inputs), set.outputs); });
        }
    }
    WARN(table);
}

TEST_CASE("a batch of real samples gives what each gives alone", "[accuracy]") {
    const std::unique_ptr<Engine> engines[] = {make_reference_engine(), make_onednn_engine()};
    std::string table = "\n  model: largest relative error and time of reference and onednn";
    for (const std::string& name : model_names()) {
        INFO(name);
        const Case model = load_case(name);
        if (model.stored.size() != 1 || !has_open_batch(*model.model->graph)) continue;
        table += format("\n  {:36}", name);
        for (const auto& engine : engines) table += measured(tolerance(name, engine->name()), [&] { return batch_error(*engine, model); });
    }
    WARN(table);
}

TEST_CASE("real models without stored outputs: one engine gives what the other gives", "[accuracy]") {
    const auto reference = make_reference_engine();
    const auto onednn = make_onednn_engine();
    std::string table = "\n  model: largest relative difference and time";
    for (const std::string& name : model_names()) {
        INFO(name);
        const Case model = load_case(name);
        if (!model.stored.empty()) continue;
        const std::vector<Tensor> inputs = random_inputs(*model.model->graph);
        table += format("\n  {:36}", name) + measured(name.starts_with("q_") ? 0.05 : kTolerance, [&] {
                     return worst_error(run(*onednn, *model.model->graph, inputs), run(*reference, *model.model->graph, inputs));
                 });
    }
    WARN(table);
}

TEST_CASE("activations of real models take at most a tenth more than what lives at the busiest step", "[accuracy]") {
    constexpr double kAllowed = 1.10;
    const auto engine = make_onednn_engine();
    std::string table = "\n  model: bytes of activations, least possible, ratio";
    for (const std::string& name : model_names()) {
        INFO(name);
        const Case model = load_case(name);
        CompileOptions options;
        const std::vector<Tensor> inputs = model.stored.empty() ? random_inputs(*model.model->graph) : model.stored.front().inputs;
        for (std::size_t at = 0; at < inputs.size(); ++at)
            if (inputs[at].defined()) options.input_shapes[model.model->graph->inputs()[at]->name()] = inputs[at].shape();
        const auto plan = engine->compile(*model.model->graph, options);
        const auto& placed = dynamic_cast<const onednn::OneDnnPlan&>(*plan);
        const double ratio =
            static_cast<double>(placed.arena_bytes()) / static_cast<double>(std::max<std::size_t>(placed.least_arena_bytes(), 1));
        CHECK(ratio <= kAllowed);
        table += format("\n  {:36} {:10} {:10} {:.3f}", name, placed.arena_bytes(), placed.least_arena_bytes(), ratio);
    }
    WARN(table);
}
