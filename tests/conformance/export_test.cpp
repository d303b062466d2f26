// Not a test: writes the text cases as models and data for expect.js, which asks ONNX Runtime for the expected values.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "catch.h"
#include "fixtures/judge_json.h"
#include "fixtures/text_case.h"
#include "onnx/emit.h"
#include "ops/infer.h"
#include "support/error.h"

using namespace mcompress;
using namespace mcompress::testing;

namespace {

/// Reads `output` through a Cast to float, which holds its values exactly; the name to read it by.
std::string cast_to_float(Graph& graph, int index) {
    Value* output = graph.outputs()[static_cast<std::size_t>(index)];
    Node* cast =
        graph.add_node({.op_type = "Cast", .inputs = {output}, .attributes = {{"to", std::int64_t{1}, {}}}, .outputs = {"as_float"}});
    graph.set_output(index, cast->output(0));
    return cast->output(0)->name();
}

/// One line of JSON: the case's file, its model, inputs to feed and outputs to read.
std::string export_case(const TextCase& given, const std::filesystem::path& file) {
    TextCase text_case = given;  // inputs that cannot be handed over are constants of the model
    std::vector<NamedTensor> fed;
    for (auto& each : text_case.inputs) (is_portable(each.tensor.dtype()) ? fed : text_case.constants).push_back(each);
    text_case.inputs = fed;
    const auto model = make_model(text_case, Inputs::AsInputs);
    Graph& graph = *model->graph;
    infer_types(graph);
    std::vector<std::string> outputs;
    for (int i = 0; i < static_cast<int>(graph.outputs().size()); ++i) {
        const Value& output = *graph.outputs()[static_cast<std::size_t>(i)];
        const DType dtype = output.type().dtype;
        const std::string name = output.name(), read = is_portable(dtype) ? name : cast_to_float(graph, i);
        outputs.push_back(format("{{\"name\":{},\"type\":\"{}\",\"read\":{}}}", json_string(name), dtype_name(dtype), json_string(read)));
    }
    emit_model(*model, file);
    return format("{{\"case\":{},\"model\":{},\"inputs\":{},\"outputs\":{}}}", json_string(text_case.path.string()),
                  json_string(file.string()), json_list(fed, [](const NamedTensor& each) { return json_tensor(each.name, each.tensor); }),
                  json_list(outputs, [](const std::string& text) { return text; }));
}

}  // namespace

TEST_CASE("export text cases to MCOMPRESS_EXPORT_CASES", "[.export]") {
    const char* folder = std::getenv("MCOMPRESS_EXPORT_CASES");
    if (!folder) return;  // Catch2 2 runs hidden tests under a filter of exclusions
    std::filesystem::create_directories(folder);
    std::ofstream index(std::filesystem::path(folder) / "cases.jsonl");
    int number = 0;
    for (const TextCase& text_case : read_text_cases()) {
        try {
            index << export_case(text_case, std::filesystem::path(folder) / format("{}.onnx", number++)) << "\n";
        } catch (const Error& error) {
            if (text_case.refusal.empty()) FAIL_CHECK(text_case.name << ": " << error.what());
        }
    }
}
