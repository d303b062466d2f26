// Long chains: no recursion, and time proportional to the number of nodes.
#include <ctime>

#include "catch.h"
#include "ir/model.h"
#include "passes/equivalence.h"
#include "passes/pipelines.h"

using namespace mcompress;
using namespace mcompress::testing;

namespace {

struct Chain {
    Model model;
    Graph& graph = *model.graph;
    Value* last;

    explicit Chain(Dims dims) {
        (*model.opset_imports)[""] = 13;
        last = graph.add_input("x", ValueType::tensor(DType::Float32, std::move(dims)));
    }
    void append(const std::string& op, std::vector<Value*> further = {}, std::vector<Attribute> attributes = {}) {
        further.insert(further.begin(), last);
        last = graph.add_node({op, std::move(further), std::move(attributes)})->output(0);
    }
};

/// Processor time: what it costs, not how long others made it wait.
double seconds_of(const std::string& pipeline, Graph& graph) {
    const std::clock_t begin = std::clock();
    run_pipeline(pipeline, graph, {reference_evaluator(), {}, nullptr});
    return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

Value* floats(Graph& graph, Shape shape, float value) {
    return graph.add_constant("c", Tensor::from_values(shape, std::vector<float>(static_cast<std::size_t>(shape.element_count()), value)));
}

// What it takes on a slow core is a tenth of this; what a quadratic pass takes is minutes.
constexpr double kLimit = 60.0;

}  // namespace

TEST_CASE("a hundred thousand nodes that go") {
    Chain chain({2});
    Value* one = floats(chain.graph, {}, 1.0F);
    for (int at = 0; at < 50000; ++at) {
        chain.append("Identity");
        chain.append("Mul", {one});
    }
    chain.append("Relu");
    chain.graph.add_output(chain.last);
    CHECK(seconds_of("fuse", chain.graph) < kLimit);
    CHECK(chain.graph.node_count() == 1);
}

TEST_CASE("a hundred thousand nodes that stay") {
    Chain chain({2});
    for (int at = 0; at < 50000; ++at) {
        chain.append("Relu");
        chain.append("Neg");
    }
    chain.graph.add_output(chain.last);
    CHECK(seconds_of("fuse", chain.graph) < kLimit);
    CHECK(chain.graph.node_count() == 100000);
}

TEST_CASE("a hundred thousand constants to compute") {
    Chain chain({2});
    Value* sum = floats(chain.graph, {2}, 0.0F);
    for (int at = 0; at < 100000; ++at)
        sum = chain.graph.add_node({"Add", {sum, floats(chain.graph, {2}, static_cast<float>(at % 7))}, {}})->output(0);
    chain.append("Mul", {sum});
    chain.graph.add_output(chain.last);
    CHECK(seconds_of("fuse", chain.graph) < kLimit);
    CHECK(chain.graph.node_count() == 1);
}

TEST_CASE("twenty-five thousand convolutions, each with a normalization and a scale") {
    Chain chain({1, 1, 1, 1});
    for (int at = 0; at < 25000; ++at) {
        Value* half = floats(chain.graph, {1}, 0.5F);
        chain.append("Conv", {floats(chain.graph, {1, 1, 1, 1}, 1.0F)});
        chain.append("BatchNormalization", {half, half, half, half});
        chain.append("Mul", {half});
        chain.append("Relu");
    }
    chain.graph.add_output(chain.last);
    CHECK(seconds_of("fuse", chain.graph) < kLimit);
    CHECK(chain.graph.node_count() == 50000);
}

TEST_CASE("a hundred thousand dead nodes behind one value") {
    Chain chain({2});
    Value* input = chain.last;
    for (int at = 0; at < 100000; ++at) {
        chain.last = input;
        chain.append("Neg");
    }
    chain.last = input;
    chain.append("Relu");
    chain.graph.add_output(chain.last);
    CHECK(seconds_of("fuse", chain.graph) < kLimit);
    CHECK(chain.graph.node_count() == 1);
}
