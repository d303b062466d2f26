#include "ir/graph.h"

#include "catch.h"
#include "ir/fingerprint.h"
#include "ir/print.h"
#include "ir/topology.h"
#include "ir/verify.h"
#include "support/error.h"

using namespace mcompress;

namespace {

std::shared_ptr<OpsetImports> opset13() {
    auto imports = std::make_shared<OpsetImports>();
    (*imports)[""] = 13;
    return imports;
}

// x → Relu → h → Identity → y
struct SmallGraph {
    Graph graph{opset13()};
    Value* x = graph.add_input("x", ValueType::tensor(DType::Float32, Shape{2, 3}));
    Node* relu = graph.add_node({.op_type = "Relu", .inputs = {x}, .outputs = {"h"}});
    Node* identity = graph.add_node({.op_type = "Identity", .inputs = {relu->output(0)}, .outputs = {"y"}});
    SmallGraph() { graph.add_output(identity->output(0)); }
};

}  // namespace

TEST_CASE("uses and producers follow every change") {
    SmallGraph small;
    Value* h = small.relu->output(0);
    CHECK(h->producer() == small.relu);
    REQUIRE(h->uses().size() == 1);
    CHECK(h->uses()[0] == Use{small.identity, 0});
    small.graph.set_input(small.identity, 0, small.x);
    CHECK(h->is_unused());
    CHECK(small.x->uses().size() == 2);
    small.graph.erase(small.relu);
    CHECK(small.x->uses().size() == 1);
    CHECK(small.graph.find_value("h") == nullptr);
    CHECK(verify(small.graph).empty());
}

TEST_CASE("replacing a graph output keeps the interface's name") {
    SmallGraph small;
    Value* h = small.relu->output(0);
    Value* y = small.identity->output(0);
    REQUIRE(small.graph.can_replace(y, h));
    small.graph.replace_all_uses(y, h);
    small.graph.erase(small.identity);
    CHECK(h->name() == "y");
    CHECK(small.graph.outputs()[0] == h);
    CHECK(verify(small.graph).empty());
}

TEST_CASE("a graph output is not replaced by an input, a constant or another output") {
    SmallGraph small;
    Value* y = small.identity->output(0);
    CHECK_FALSE(small.graph.can_replace(y, small.x));
    Value* c = small.graph.add_constant("c", Tensor::from_values<float>({1}, {1.0f}));
    CHECK_FALSE(small.graph.can_replace(y, c));
    small.graph.add_output(small.relu->output(0));
    CHECK_FALSE(small.graph.can_replace(y, small.relu->output(0)));
}

TEST_CASE("names are made unique") {
    SmallGraph small;
    CHECK(small.graph.add_constant("h", Tensor::scalar(1.0f))->name() == "h_1");
    CHECK(small.graph.add_constant("", Tensor::scalar(1.0f))->name() == "value_1");
}

TEST_CASE("a name that a body uses is none for the graphs around it") {
    SmallGraph small;
    auto body = Graph::make_body(small.graph);
    body->add_node({.op_type = "Relu", .inputs = {small.x}, .outputs = {"in_body"}});
    {
        auto inner = Graph::make_body(*body);
        Value* deep = inner->add_constant("deep", Tensor::scalar(1.0F));
        CHECK(small.graph.unique_name("deep") == "deep_1");
        CHECK(body->unique_name("deep") == "deep_1");
        inner->rename(deep, "deeper");
        CHECK(small.graph.unique_name("deep") == "deep");
        CHECK(small.graph.unique_name("deeper") == "deeper_1");
    }
    CHECK(small.graph.unique_name("deeper") == "deeper");
    CHECK(small.graph.add_constant("in_body", Tensor::scalar(1.0F))->name() == "in_body_1");
    CHECK(Graph::make_body(small.graph)->unique_name("in_body") == "in_body");  // of a neighbour
}

TEST_CASE("order repairs a wrong listing and leaves cycles to verify") {
    Graph graph(opset13());
    Value* x = graph.add_input("x", ValueType::tensor(DType::Float32, Shape{1}));
    Node* second = graph.add_node({.op_type = "Relu", .inputs = {x}, .outputs = {"b"}});
    Node* first = graph.add_node({.op_type = "Relu", .inputs = {x}, .outputs = {"a"}});
    graph.set_input(second, 0, first->output(0));
    graph.add_output(second->output(0));
    CHECK(graph.order() == std::vector<Node*>{first, second});
    CHECK(verify(graph).empty());
    graph.set_input(first, 0, second->output(0));
    const auto findings = verify(graph);
    REQUIRE_FALSE(findings.empty());
    CHECK(findings[0].problem().find("cycle") != std::string::npos);
}

TEST_CASE("verify finds every fault at once") {
    Graph graph(opset13());
    Value* x = graph.add_input("x", ValueType::tensor(DType::Float32, Shape{1}));
    graph.add_node({.op_type = "Foo", .inputs = {x}, .domain = "nowhere"});
    graph.add_node({.op_type = "", .inputs = {x}});
    CHECK(verify(graph).size() == 3);  // no output, unknown domain, no type
    CHECK_THROWS_AS(throw_if_any(verify(graph)), Error);
}

TEST_CASE("bodies capture outer values as explicit uses") {
    SmallGraph small;
    auto body = Graph::make_body(small.graph);
    Node* inner = body->add_node({.op_type = "Neg", .inputs = {small.x}, .outputs = {"inner"}});
    body->add_output(inner->output(0));
    Value* condition = small.graph.add_constant("condition", Tensor::from_bytes(DType::Bool, Shape{}, std::as_bytes(std::span("\1", 1))));
    Node* branch = small.graph.add_node(
        {.op_type = "If", .inputs = {condition}, .attributes = {{"then_branch", body, {}}, {"else_branch", body, {}}}, .outputs = {"z"}});
    CHECK(small.x->uses().size() == 2);
    CHECK(captured_values(*branch) == std::vector<Value*>{small.x});
    CHECK(body->resolve("x") == small.x);
    small.graph.erase(branch);
    CHECK(small.x->uses().size() == 1);
}

TEST_CASE("a fingerprint tells contents apart") {
    SmallGraph a;
    SmallGraph b;
    CHECK(fingerprint(a.graph) == fingerprint(b.graph));
    b.graph.set_attribute(b.relu, "alpha", 1.0f);
    CHECK(fingerprint(a.graph) != fingerprint(b.graph));
    SmallGraph c;
    SmallGraph d;
    c.graph.add_constant("w", Tensor::from_values<float>({2}, {1.0f, 2.0f}));
    d.graph.add_constant("w", Tensor::from_values<float>({2}, {1.0f, 2.5f}));
    CHECK(fingerprint(c.graph) != fingerprint(d.graph));
}

TEST_CASE("a graph prints as text") {
    SmallGraph small;
    small.graph.add_constant("w", Tensor::from_values<float>({2}, {1.0f, 0.1f}));
    CHECK(print(small.graph) ==
          "graph (float[2,3] x) => (? y)\n<\n  w = float[2] {1, 0.100000001}\n>\n{\n  h = Relu (x)\n  y = Identity (h)\n}\n");
}

TEST_CASE("a chain of 200,000 nodes is built, ordered and taken down without recursion") {
    Graph graph(opset13());
    Value* at = graph.add_input("x", ValueType::tensor(DType::Float32, Shape{1}));
    for (int i = 0; i < 200000; ++i)
        at = graph.add_node({.op_type = "Relu", .inputs = {at}, .outputs = {"v" + std::to_string(i)}})->output(0);
    graph.add_output(at);
    CHECK(graph.order().size() == 200000);
    CHECK(verify(graph).empty());
}

TEST_CASE("verify: the default of a graph input has the input's type, wherever that was declared") {
    const auto imports = std::make_shared<OpsetImports>(OpsetImports{{"", 13}});
    Graph graph(imports);
    Value* x = graph.add_input("x", ValueType{});
    graph.add_output(x);
    graph.set_initializer(x, Tensor::from_values(Shape{2}, std::vector<float>{1.0F, 2.0F}));
    CHECK(verify(graph).empty());
    graph.set_type(x, ValueType::tensor(DType::Int32, Shape{2}));
    const std::vector<Finding> findings = verify(graph);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].object == "graph input 'x'");
    CHECK(findings[0].found.find("int32") != std::string::npos);
}
