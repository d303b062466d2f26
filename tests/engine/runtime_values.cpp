// Sequences and optionals through both engines: graph inputs and outputs, bodies, captured values, and what is refused.
#include <functional>

#include "catch.h"
#include "engine/engine.h"
#include "ir/model.h"
#include "ops/infer.h"
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

TEST_CASE("Scan of opset 8 runs every sample of the batch over its own length") {
    Model model;
    (*model.opset_imports)[""] = 8;
    Graph& graph = *model.graph;
    Value* lengths = graph.add_input("lengths", ValueType::tensor(DType::Int64, Shape{3}));
    Value* state = graph.add_input("state", ValueType::tensor(DType::Float32, Shape{3, 2}));
    Value* x = graph.add_input("x", ValueType::tensor(DType::Float32, Shape{3, 4, 2}));
    auto body = Graph::make_body(graph);
    Value* sum = body->add_input("sum", ValueType::tensor(DType::Float32, Shape{2}));
    Value* slice = body->add_input("slice", ValueType::tensor(DType::Float32, Shape{2}));
    Value* next = add(*body, "Add", {sum, slice}, "next");
    body->add_output(next);
    body->add_output(add(*body, "Identity", {next}, "partial"));
    NodeSpec spec;
    spec.op_type = "Scan";
    spec.inputs = {lengths, state, x};
    spec.outputs = {"last", "partials"};
    spec.attributes = {{"body", body, {}}, {"num_scan_inputs", std::int64_t{1}, {}}, {"directions", std::vector<std::int64_t>{1}, {}}};
    const Node* scan = graph.add_node(std::move(spec));
    for (Value* output : scan->outputs()) graph.add_output(output);
    infer_types(graph);
    CHECK(scan->output(0)->type().to_string() == "float[3,2]");
    CHECK(scan->output(1)->type().to_string() == "float[3,4,2]");

    constexpr std::int64_t kLengths[] = {4, 0, 2};
    Tensor states(DType::Float32, {3, 2}), xs(DType::Float32, {3, 4, 2});
    for (int i = 0; i < 6; ++i) states.mutable_data<float>()[i] = static_cast<float>(i);
    for (int i = 0; i < 24; ++i) xs.mutable_data<float>()[i] = static_cast<float>(i * i);
    Tensor last = states, partials(DType::Float32, {3, 4, 2});
    for (std::int64_t b = 0; b < 3; ++b)  // from the last step of a sample to its first one
        for (std::int64_t t = 0; t < kLengths[b]; ++t)
            for (std::int64_t k = 0; k < 2; ++k) {
                last.mutable_data<float>()[b * 2 + k] += xs.data<float>()[(b * 4 + kLengths[b] - 1 - t) * 2 + k];
                partials.mutable_data<float>()[(b * 4 + t) * 2 + k] = last.data<float>()[b * 2 + k];
            }
    for (const auto& engine : both_engines()) {
        const auto plan = engine->compile(graph, {});
        const auto outputs = plan->run(std::vector<Tensor>{Tensor::from_values<std::int64_t>({3}, {4, 0, 2}), states, xs});
        CHECK(outputs[0].equals(last));
        CHECK(outputs[1].equals(partials));
        const Tensor too_long = Tensor::from_values<std::int64_t>({3}, {4, 0, 5});
        CHECK(code_of([&] { plan->run(std::vector<Tensor>{too_long, states, xs}); }) == codes::kShapeInvalid.id);
    }
}

TEST_CASE("what a Loop accumulates in a sequence ends in an error when it is too large") {
    Model model;
    (*model.opset_imports)[""] = 16;
    Graph& graph = *model.graph;
    Value* x = graph.add_input("x", ValueType::tensor(DType::UInt8));
    Value* trips = graph.add_constant("trips", Tensor::scalar(std::int64_t{1} << 40));
    Value* start = add(graph, "SequenceConstruct", {x}, "start");
    auto body = Graph::make_body(graph);
    body->add_input("i", ValueType::tensor(DType::Int64, Shape{}));
    Value* condition = body->add_input("condition", ValueType::tensor(DType::Bool, Shape{}));
    Value* held = body->add_input("held", sequence_of(ValueType::tensor(DType::UInt8)));
    body->add_output(add(*body, "Identity", {condition}, "go_on"));
    body->add_output(add(*body, "SequenceInsert", {held, x}, "longer"));
    NodeSpec spec;
    spec.op_type = "Loop";
    spec.inputs = {trips, nullptr, start};
    spec.outputs = {"all"};
    spec.attributes = {{"body", body, {}}};
    graph.add_output(graph.add_node(std::move(spec))->output(0));
    const Tensor big(DType::UInt8, {1 << 26});
    for (const auto& engine : both_engines()) {
        const auto plan = engine->compile(graph, {});
        CHECK(code_of([&] { plan->run_values(std::vector<RuntimeValue>{big}); }) == codes::kTooLarge.id);
    }
}
