// Models with com.microsoft operators through load, optimize and emit: the operators and their attributes stay, and so do the results.
#include <map>

#include "catch.h"
#include "data/temporary_folder.h"
#include "engine/engine.h"
#include "fixtures/text_case.h"
#include "onnx/emit.h"
#include "onnx/load.h"
#include "pipeline/compress.h"

using namespace mcompress;
using testing::Inputs;
using testing::TextCase;

namespace {

/// The operators of the domain: how many of each, and how many attributes they have together.
std::map<std::string, std::pair<int, std::size_t>> operators(const Graph& graph) {
    std::map<std::string, std::pair<int, std::size_t>> found;
    for (const Node* node : graph.nodes()) {
        if (node->domain() != "com.microsoft") continue;
        auto& [count, attributes] = found[node->op_type()];
        ++count;
        attributes += node->attributes().size();
    }
    return found;
}

std::vector<Tensor> run(const Graph& graph, const TextCase& text_case) {
    std::vector<Tensor> inputs;
    for (const Value* input : graph.inputs())
        for (const auto& each : text_case.inputs)
            if (each.name == input->name()) inputs.push_back(each.tensor);
    return make_reference_engine()->compile(graph, {})->run(inputs);
}

}  // namespace

TEST_CASE("optimized models keep their com.microsoft operators and results") {
    const TemporaryFolder folder;
    int checked = 0;
    for (const TextCase& text_case : testing::read_text_cases()) {
        if (text_case.domain != "com.microsoft" || text_case.expected.empty()) continue;
        INFO(text_case.name);
        const auto model = make_model(text_case, Inputs::AsInputs);
        emit_model(*model, folder / "model.onnx");
        (void)optimize_model(folder / "model.onnx", folder / "optimized.onnx");
        const auto optimized = load_model(folder / "optimized.onnx");
        CHECK(operators(*optimized->graph) == operators(*model->graph));
        const auto before = run(*model->graph, text_case), after = run(*optimized->graph, text_case);
        REQUIRE(before.size() == after.size());
        for (std::size_t index = 0; index < before.size(); ++index) CHECK(before[index].equals(after[index]));
        ++checked;
    }
    CHECK(checked > 200);
}
