// Inference against ONNX's published single-operator models (package libonnx-testdata).
#include <algorithm>
#include <filesystem>
#include <iostream>

#include "catch.h"
#include "onnx/load.h"
#include "ops/infer.h"

using namespace mcompress;
namespace fs = std::filesystem;

namespace {

const fs::path kPublished = "/usr/share/libonnx-testdata/data";

// Folders of one model and its data each.
std::vector<fs::path> model_folders(const std::string& collection) {
    std::vector<fs::path> folders;
    if (fs::exists(kPublished / collection))
        for (const auto& entry : fs::directory_iterator(kPublished / collection))
            if (fs::exists(entry.path() / "model.onnx")) folders.push_back(entry.path());
    std::sort(folders.begin(), folders.end());
    return folders;
}

struct Tally {
    int outputs = 0;
    int full = 0;     // element type and every dimension as declared
    int partial = 0;  // something is not known
    int opaque = 0;   // of operators the table does not know
    std::vector<std::string> contradictions;
    std::vector<std::string> partial_names;

    void compare(const std::string& name, const ValueType& inferred, const ValueType& declared) {
        ++outputs;
        if (!merge_types(inferred, declared))
            contradictions.push_back(name + ": inferred " + inferred.to_string() + ", declared " + declared.to_string());
        else if (inferred.kind == declared.kind && inferred.dtype == declared.dtype && inferred.dims == declared.dims) ++full;
        else {
            ++partial;
            partial_names.push_back(name + " " + inferred.to_string() + " / " + declared.to_string());
        }
    }
    void print(const char* title) const {
        std::cout << title << ": " << outputs << " outputs, " << full << " in full, " << partial << " in part, " << contradictions.size()
                  << " contradictions\n";
        for (const auto& text : contradictions) std::cout << "  contradiction " << text << "\n";
        if (std::getenv("MCOMPRESS_VERBOSE"))
            for (const auto& text : partial_names) std::cout << "  partial " << text << "\n";
    }
};

// The types of graph outputs, taken away so that only inference can give them back.
std::vector<ValueType> take_output_types(Graph& graph) {
    std::vector<ValueType> declared;
    for (Value* value : graph.outputs()) {
        declared.push_back(value->type());
        if (value->producer()) graph.set_type(value, {});
    }
    return declared;
}

}  // namespace

TEST_CASE("published node models: inference from input types agrees with declared outputs") {
    const auto folders = model_folders("node");
    if (folders.empty()) {
        WARN("skipped: install libonnx-testdata");
        return;
    }
    Tally tally;
    for (const auto& folder : folders) {
        INFO(folder.filename().string());
        const auto model = load_model(folder / "model.onnx");
        const auto declared = take_output_types(*model->graph);
        REQUIRE_NOTHROW(infer_types(*model->graph));
        for (std::size_t index = 0; index < declared.size(); ++index)
            tally.compare(folder.filename().string(), model->graph->outputs()[index]->type(), declared[index]);
    }
    tally.print("node models, types alone");
    CHECK(tally.contradictions.empty());
    CHECK(tally.outputs > 1100);
    CHECK(tally.full > 900);
}

TEST_CASE("published node models: with the values of the inputs, shapes are known in full") {
    const auto folders = model_folders("node");
    if (folders.empty()) {
        WARN("skipped: install libonnx-testdata");
        return;
    }
    Tally tally;
    for (const auto& folder : folders) {
        INFO(folder.filename().string());
        const auto model = load_model(folder / "model.onnx");
        const Graph& graph = *model->graph;
        const auto nodes = graph.nodes();
        if (nodes.size() != 1 || !op_info(*nodes[0]) || !nodes[0]->subgraphs().empty()) continue;
        std::vector<ValueType> types;
        std::vector<Tensor> tensors;
        bool is_plain = true;
        for (const Value* value : nodes[0]->inputs()) {
            types.push_back(value ? value->type() : ValueType{});
            tensors.emplace_back();
            if (!value) continue;
            const auto place = std::find(graph.inputs().begin(), graph.inputs().end(), value) - graph.inputs().begin();
            const auto file = folder / "test_data_set_0" / ("input_" + std::to_string(place) + ".pb");
            is_plain = is_plain && value->type().is_tensor() && fs::exists(file);
            if (is_plain) tensors.back() = load_tensor(file);
        }
        if (!is_plain) continue;
        std::vector<const Tensor*> constants;
        for (const Tensor& tensor : tensors) constants.push_back(tensor.defined() ? &tensor : nullptr);
        std::vector<ValueType> inferred;
        REQUIRE_NOTHROW(inferred = infer_node(*nodes[0], types, constants));
        for (std::size_t index = 0; index < inferred.size(); ++index)
            if (const Value* value = nodes[0]->outputs()[index]) tally.compare(folder.filename().string(), inferred[index], value->type());
    }
    tally.print("node models, with values");
    CHECK(tally.contradictions.empty());
    CHECK(tally.outputs > 700);
    CHECK(tally.full * 100 >= tally.outputs * 95);
}

namespace {

Tally infer_collection(const std::string& collection) {
    Tally tally;
    for (const auto& folder : model_folders(collection)) {
        INFO(folder.filename().string());
        const auto model = load_model(folder / "model.onnx");
        const auto declared = take_output_types(*model->graph);
        REQUIRE_NOTHROW(infer_types(*model->graph));
        for (std::size_t index = 0; index < declared.size(); ++index)
            tally.compare(folder.filename().string(), model->graph->outputs()[index]->type(), declared[index]);
    }
    tally.print(collection.c_str());
    CHECK(tally.contradictions.empty());
    return tally;
}

}  // namespace

TEST_CASE("published models of converted PyTorch modules: shapes are known in full") {
    if (model_folders("simple").empty()) {
        WARN("skipped: install libonnx-testdata");
        return;
    }
    const Tally modules = infer_collection("pytorch-converted");
    const Tally operators = infer_collection("pytorch-operator");
    CHECK(modules.full + operators.full == modules.outputs + operators.outputs);
    CHECK(modules.full > 50);
    CHECK(operators.full > 20);
    // Sequences, strings and sizes that are only computed.
    CHECK(infer_collection("simple").full > 0);
}
