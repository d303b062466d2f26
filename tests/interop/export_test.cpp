// What mcompress emits, judged by ONNX Runtime: models that were loaded and emitted, optimized or quantized, with our engine's outputs.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "catch.h"
#include "data/array_dataset.h"
#include "engine/engine.h"
#include "fixtures/judge_json.h"
#include "fixtures/onnx_case.h"
#include "fixtures/published_models.h"
#include "fixtures/random_network.h"
#include "fixtures/random_recurrent.h"
#include "fixtures/random_tensors.h"
#include "fixtures/text_case.h"
#include "onnx/emit.h"
#include "onnx/load.h"
#include "ops/infer.h"
#include "pipeline/compress.h"
#include "support/error.h"

using namespace mcompress;
using namespace mcompress::testing;
namespace fs = std::filesystem;

namespace {

struct Subject {
    std::string name;
    fs::path file;               // of the original
    std::vector<Tensor> inputs;  // in the graph's order, undefined where a default serves
};

/// Names of the graph's inputs, with their tensors.
std::vector<NamedTensor> named_inputs(const Graph& graph, const std::vector<Tensor>& tensors) {
    std::vector<NamedTensor> named;
    for (std::size_t i = 0; i < tensors.size(); ++i)
        if (tensors[i].defined()) named.push_back({graph.inputs()[i]->name(), tensors[i]});
    return named;
}

/// One sample of the subject's inputs, several times over: statistics want samples, not variety.
std::unique_ptr<Dataset> calibration_data(const Graph& graph, const std::vector<Tensor>& tensors) {
    std::vector<NamedArray> arrays;
    for (const NamedTensor& each : named_inputs(graph, tensors)) arrays.push_back({each.name, "published data", each.tensor});
    return make_array_dataset(std::move(arrays), SampleAxis::None);
}

enum class Kind { Emitted, Optimized, Quantized, QOperator, Dynamic };
constexpr const char* kKindNames[] = {"emitted", "optimized", "quantized", "qoperator", "dynamic"};
constexpr Kind kQuantizedKinds[] = {Kind::Quantized, Kind::QOperator, Kind::Dynamic};

void emit_as(Kind kind, const Subject& subject, const fs::path& to) {
    if (kind == Kind::Emitted) emit_model(*load_model(subject.file), to);
    else if (kind == Kind::Optimized) optimize_model(subject.file, to);
    else {
        const auto original = load_model(subject.file);
        const auto data = calibration_data(*original->graph, subject.inputs);
        QuantizeRequest request;
        request.model = subject.file;
        request.output = to;
        if (kind == Kind::Dynamic) request.scheme.activations = ActivationMode::Dynamic;
        else request.data = data.get();
        if (kind == Kind::QOperator) request.form = QuantizedForm::QOperator;
        quantize_model(request);
    }
}

class Exporter {
public:
    explicit Exporter(fs::path folder) : folder_(std::move(folder)), index_(folder_ / "subjects.jsonl") {}

    /// Writes the model of that kind and what our engine makes of it. What mcompress refuses is counted, not written.
    void add(Kind kind, const Subject& subject) {
        const fs::path to = folder_ / format("{}.onnx", number_++);
        try {
            emit_as(kind, subject, to);
            const auto model = load_model(to);
            const Graph& graph = *model->graph;
            infer_types(*model->graph);
            CompileOptions options;
            for (const NamedTensor& each : named_inputs(graph, subject.inputs)) options.input_shapes[each.name] = each.tensor.shape();
            const auto outputs = make_onednn_engine()->compile(graph, options)->run(subject.inputs);
            write(kind, subject, to, graph, outputs);
        } catch (const Error& error) {
            ++refused_[format("{}: {}", kKindNames[static_cast<int>(kind)], error.code().summary)];
        }
    }

    void print_refusals() const {
        for (const auto& [reason, count] : refused_) std::cout << format("  {:4} not exported, {}\n", count, reason);
    }

private:
    void write(Kind kind, const Subject& subject, const fs::path& to, const Graph& graph, const std::vector<Tensor>& outputs) {
        std::vector<std::string> inputs, found;
        for (const NamedTensor& each : named_inputs(graph, subject.inputs)) {
            if (!is_portable(each.tensor.dtype())) return;
            inputs.push_back(json_tensor(each.name, each.tensor));
        }
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            if (!is_portable(outputs[i].dtype())) return;
            found.push_back(json_tensor(graph.outputs()[i]->name(), outputs[i]));
        }
        const auto as_is = [](const std::string& text) { return text; };
        index_ << format("{{\"kind\":\"{}\",\"name\":{},\"original\":{},\"model\":{},\"inputs\":{},\"outputs\":{}}}\n",
                         kKindNames[static_cast<int>(kind)], json_string(subject.name), json_string(subject.file.string()),
                         json_string(to.string()), json_list(inputs, as_is), json_list(found, as_is));
    }

    fs::path folder_;
    std::ofstream index_;
    int number_ = 0;
    std::map<std::string, int> refused_;
};

/// Published models with their first data set; what has no tensors as data is left to the conformance suite.
std::vector<Subject> published_subjects() {
    std::vector<Subject> subjects;
    for (const PublishedModel& published : published_models()) {
        try {
            const auto model = load_model(published.file());
            const auto folders = data_set_folders(published.folder);
            Subject subject{published.set + "/" + published.name, published.file(), {}};
            if (!folders.empty()) subject.inputs = load_data_set(folders[0], *model->graph).inputs;
            subjects.push_back(std::move(subject));
        } catch (const Error&) {
            continue;
        }
    }
    return subjects;
}

/// Text cases, and the models of this folder, as files.
std::vector<Subject> text_subjects(const fs::path& folder, std::vector<TextCase> cases) {
    std::vector<Subject> subjects;
    for (const TextCase& text_case : cases) {
        if (!text_case.refusal.empty()) continue;
        const auto model = make_model(text_case, Inputs::AsInputs);
        infer_types(*model->graph);
        std::string file = text_case.name + ".onnx";
        std::replace(file.begin(), file.end(), '/', '-');
        emit_model(*model, folder / file);
        Subject subject{text_case.name, folder / file, {}};
        for (const NamedTensor& each : text_case.inputs) subject.inputs.push_back(each.tensor);
        subjects.push_back(std::move(subject));
    }
    return subjects;
}

/// Networks of random operators. Their pools do not round up: ONNX Runtime infers another extent than it computes where the last window lies in the padding.
std::vector<Subject> random_subjects(const fs::path& folder, unsigned count) {
    std::vector<Subject> subjects;
    for (unsigned seed = 1; seed <= count; ++seed) {
        RandomNetwork network(seed, 8, 0, RandomNetwork::Extents::RoundedDown);
        infer_types(network.maker.graph());
        const std::string name = format("random network {}", seed);
        emit_model(network.maker.model(), folder / (name + ".onnx"));
        subjects.push_back({name, folder / (name + ".onnx"), network.maker.random_inputs()});
    }
    return subjects;
}

std::vector<Subject> recurrent_subjects(const fs::path& folder, unsigned count) {
    std::vector<Subject> subjects;
    for (unsigned seed = 1; seed <= count; ++seed) {
        RandomRecurrent layer(seed, RandomRecurrent::Layouts::SequenceFirst);
        infer_types(layer.maker.graph());
        const std::string name = format("recurrent layer {}", seed);
        emit_model(layer.maker.model(), folder / (name + ".onnx"));
        subjects.push_back({format("{}: {}", name, layer.text), folder / (name + ".onnx"), layer.maker.random_inputs()});
    }
    return subjects;
}

class Folder {
public:
    Folder() {
        std::string pattern = (fs::temp_directory_path() / "mcompress-interop-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

}  // namespace

TEST_CASE("emitted, optimized and quantized models load in ONNX Runtime and agree with our engine", "[interop]") {
    const std::string script = std::string(MCOMPRESS_TESTS_DIR) + "/interop/agree.js";
    if (std::system(format("node '{}' --probe", script).c_str()) != 0) {
        std::cout
            << "INTEROP NOT RUN: Node.js with onnxruntime-node is missing (ORT_NODE: its folder; tools/test.sh -L interop installs it)\n";
        return;
    }
    const Folder folder;
    Exporter exporter(folder.path());
    for (const Subject& subject : published_subjects()) {
        exporter.add(Kind::Emitted, subject);
        exporter.add(Kind::Optimized, subject);
        if (subject.name.starts_with("pytorch"))
            for (const Kind kind : kQuantizedKinds) exporter.add(kind, subject);
    }
    for (const Subject& subject : text_subjects(folder.path(), read_text_cases())) exporter.add(Kind::Emitted, subject);
    for (const Subject& subject : text_subjects(folder.path(), read_text_cases("interop/models")))
        for (const Kind kind : {Kind::Emitted, Kind::Optimized, Kind::Quantized, Kind::QOperator, Kind::Dynamic})
            exporter.add(kind, subject);
    for (const Subject& subject : random_subjects(folder.path(), 120))
        for (const Kind kind : {Kind::Emitted, Kind::Optimized, Kind::Quantized, Kind::Dynamic}) exporter.add(kind, subject);
    for (const Subject& subject : recurrent_subjects(folder.path(), 120)) exporter.add(Kind::Emitted, subject);
    const Tensor picture = random_tensor(DType::Float32, Shape{2, 1, 32, 32}, 7);
    const Subject digits{"examples/digits", fs::path(MCOMPRESS_SOURCE_DIR) / "examples/digits/digits.onnx", {picture}};
    for (const Kind kind : {Kind::Emitted, Kind::Optimized, Kind::Quantized, Kind::QOperator, Kind::Dynamic}) exporter.add(kind, digits);
    exporter.print_refusals();
    std::cout.flush();
    CHECK(std::system(format("node '{}' '{}'", script, folder.path().string()).c_str()) == 0);
}
