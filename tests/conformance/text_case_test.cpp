// Text cases (tests/conformance/cases) on both engines.
#include <iostream>
#include <map>

#include "catch.h"
#include "engine/engine.h"
#include "fixtures/onnx_case.h"
#include "fixtures/text_case.h"
#include "ops/infer.h"
#include "ops/verify_ops.h"
#include "support/error.h"

using namespace mcompress;
using testing::Inputs;
using testing::TextCase;

namespace {

/// Outputs by name, in the expected order.
std::vector<Tensor> in_order(const TextCase& text_case, const Graph& graph, const std::vector<Tensor>& outputs) {
    std::vector<Tensor> result(text_case.expected.size());
    for (std::size_t i = 0; i < outputs.size(); ++i)
        for (std::size_t at = 0; at < result.size(); ++at)
            if (text_case.expected[at].name == graph.outputs()[i]->name()) result[at] = outputs[i];
    return result;
}

std::string compare(const TextCase& text_case, const Graph& graph, const std::vector<Tensor>& outputs) {
    const std::vector<Tensor> found = in_order(text_case, graph, outputs);
    for (std::size_t i = 0; i < found.size(); ++i) {
        const auto& [name, expected] = text_case.expected[i];
        if (!found[i].defined()) return format("{}: the graph has no such output", name);
        const std::string problem = difference(found[i], expected, text_case.relative_tolerance, text_case.absolute_tolerance);
        if (!problem.empty()) return format("{}: {}", name, problem);
        const ValueType& inferred = graph.find_value(name)->type();
        if (!merge_types(inferred, ValueType::tensor(expected.dtype(), expected.shape())))
            return format("{}: inferred {}", name, inferred.to_string());
    }
    return {};
}

/// What is wrong, or nothing.
std::string run(const TextCase& text_case, const Engine& engine, Inputs inputs) {
    try {
        const auto model = make_model(text_case, inputs);
        const Graph& graph = *model->graph;
        for (const Finding& finding : verify_ops(graph)) return text_case.refusal.empty() ? finding.object + ": " + finding.problem() : "";
        infer_types(*model->graph);
        std::vector<Tensor> tensors;
        if (inputs == Inputs::AsInputs)
            for (const auto& each : text_case.inputs) tensors.push_back(each.tensor);
        const auto outputs = engine.compile(graph, {})->run(tensors);
        if (!text_case.refusal.empty()) return "is not refused";
        if (text_case.expected.size() != outputs.size())
            return format("{} outputs, {} expected", outputs.size(), text_case.expected.size());
        return compare(text_case, graph, outputs);
    } catch (const Error& error) {
        return text_case.refusal == error.code().id ? "" : error.what();
    }
}

}  // namespace

TEST_CASE("text cases: both engines give what is expected, with inputs and with constants") {
    const auto reference = make_reference_engine(), onednn = make_onednn_engine();
    const auto cases = testing::read_text_cases();
    for (const TextCase& text_case : cases) {
        INFO(text_case.name);
        if (text_case.judge.empty() && text_case.refusal.empty()) {
            FAIL_CHECK("nobody said what is expected: see expect.js");
            continue;
        }
        for (const Engine* engine : {reference.get(), onednn.get()}) {
            for (const Inputs inputs : {Inputs::AsInputs, Inputs::AsConstants}) {
                INFO(engine->name() << (inputs == Inputs::AsInputs ? ", inputs" : ", constants"));
                CHECK(run(text_case, *engine, inputs) == "");
            }
        }
    }
    std::cout << cases.size() << " text cases on both engines\n";
}
