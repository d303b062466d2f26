// Sequences and optionals through both engines: graph inputs and outputs, bodies, captured values, and what is refused.
#include <functional>

#include "catch.h"
#include "engine/engine.h"
#include "ir/model.h"
#include "support/error.h"

using namespace mcompress;

namespace {

ValueType sequence_of(ValueType element) {
    ValueType type;
    type.kind = ValueType::Kind::Sequence;
    type.element = std::make_shared<const ValueType>(std::move(element));
    return type;
}

Tensor floats(std::initializer_list<float> values) {
    return Tensor::from_values<float>({static_cast<std::int64_t>(values.size())}, values);
}

std::string code_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.code().id;
    }
    return "none";
}

std::vector<std::unique_ptr<Engine>> both_engines() {
    std::vector<std::unique_ptr<Engine>> engines;
    engines.push_back(make_reference_engine());
    engines.push_back(make_onednn_engine());
    return engines;
}

Value* add(Graph& graph, const std::string& type, std::vector<Value*> inputs, const std::string& output) {
    NodeSpec spec;
    spec.op_type = type;
    spec.inputs = std::move(inputs);
    spec.outputs = {output};
    return graph.add_node(std::move(spec))->output(0);
}

}  // namespace

TEST_CASE("a sequence passes through a graph and into the branches of an If") {
    Model model;
    (*model.opset_imports)[""] = 16;
    Graph& graph = *model.graph;
    Value* given = graph.add_input("given", sequence_of(ValueType::tensor(DType::Float32)));
    Value* condition = graph.add_input("condition", ValueType::tensor(DType::Bool, Shape{}));
    Value* held = add(graph, "Identity", {given}, "held");
    NodeSpec choice;
    choice.op_type = "If";
    choice.inputs = {condition};
    choice.outputs = {"chosen"};
    const auto branch = [&](Value* value) {
        auto body = Graph::make_body(graph);
        body->add_output(add(*body, "Identity", {value}, body->unique_name("result")));
        return body;
    };
    choice.attributes = {{"then_branch", branch(held), {}}, {"else_branch", branch(condition), {}}};
    graph.add_output(graph.add_node(std::move(choice))->output(0));
    const RuntimeValue sequence = RuntimeValue::sequence({floats({1, 2}), floats({3})});
    for (const auto& engine : both_engines()) {
        const auto plan = engine->compile(graph, {});
        const auto chosen = plan->run_values(std::vector<RuntimeValue>{sequence, Tensor::scalar(true)});
        REQUIRE(chosen.size() == 1);
        REQUIRE(chosen[0].elements().size() == 2);
        CHECK(chosen[0].elements()[1].tensor().equals(floats({3})));
        CHECK(plan->run_values(std::vector<RuntimeValue>{sequence, Tensor::scalar(false)})[0].tensor().equals(Tensor::scalar(false)));
        CHECK(code_of([&] { plan->run(std::vector<Tensor>{floats({1}), Tensor::scalar(true)}); }) == codes::kDataMismatch.id);
        const RuntimeValue other = RuntimeValue::sequence({Tensor::scalar(true)});
        CHECK(code_of([&] { plan->run_values(std::vector<RuntimeValue>{other, Tensor::scalar(true)}); }) == codes::kDataMismatch.id);
    }
}

TEST_CASE("a sequence that meets an operator on tensors is refused") {
    Model model;
    (*model.opset_imports)[""] = 16;
    Graph& graph = *model.graph;
    Value* given = graph.add_input("given", ValueType{});
    graph.add_output(add(graph, "Relu", {given}, "y"));
    for (const auto& engine : both_engines()) {
        const auto plan = engine->compile(graph, {});
        const std::vector<RuntimeValue> inputs{RuntimeValue::sequence({floats({1})})};
        CHECK(code_of([&] { plan->run_values(inputs); }) == codes::kOperatorUnsupported.id);
    }
}

TEST_CASE("a caller that wants tensors is told of an output that is a sequence") {
    Model model;
    (*model.opset_imports)[""] = 16;
    Graph& graph = *model.graph;
    Value* given = graph.add_input("given", ValueType{});
    graph.add_output(add(graph, "Identity", {given}, "y"));
    for (const auto& engine : both_engines()) {
        const auto plan = engine->compile(graph, {});
        CHECK(plan->run(std::vector<Tensor>{floats({1})})[0].equals(floats({1})));
        const std::vector<RuntimeValue> inputs{RuntimeValue::sequence({floats({1})})};
        CHECK(plan->run_values(inputs)[0].is_sequence());
    }
}
