// strip-declared-types: declarations are not part of ONNX text as we print it.
#include "passes/clean/strip_declared_types.h"

#include "catch.h"
#include "onnx/text.h"
#include "ops/infer.h"

using namespace mcompress;

namespace {

/// Which of the values inside are still declared, in the order of the graph.
std::string declared(Graph& graph) {
    std::string names;
    for_each_graph(graph, [&](const Graph& each) {
        for (const Value* value : each.constants())
            if (value->is_declared()) names += value->name() + " ";
        for (const Node* node : each.order())
            for (const Value* value : node->outputs())
                if (value && value->is_declared() && !value->is_graph_output()) names += value->name() + " ";
    });
    return names;
}

}  // namespace

TEST_CASE("strip-declared-types: what inference finds again goes, what it cannot know stays") {
    const auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13, "other" : 1]>
        g (float[2,N] x) => (float[2,N] y, float[3] z)
        <float[1] w = {2}, float[2,N] a, float[2,N] b, float[3] c, float[2,M] d, float[3] e>
        {
            a = Relu (x)
            b = Mul (a, w)
            c = other.Known (b)
            e = Neg (c)
            z = Abs (e)
            d = Neg (b)
            y = Abs (d)
        })");
    Graph& graph = *model->graph;
    graph.set_declared(graph.find_value("w"), true);
    infer_types(graph);
    const ValueType before = graph.find_value("e")->type();
    const auto pass = make_strip_declared_types();
    (void)pass->run(graph);
    // Nobody knows other.Known, nor e behind it; d's second extent has a name of its own.
    CHECK(declared(graph) == "c e d ");
    CHECK(graph.find_value("e")->type() == before);
    CHECK(graph.find_value("a")->type().to_string() == "float[2,N]");
    CHECK(pass->run(graph).rewrites == 0);
}
