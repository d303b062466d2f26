// fold-constants where a file is written: weights that are stored in half the bytes stay so.
#include "passes/clean/fold_constants.h"

#include "catch.h"
#include "engine/reference/kernel.h"
#include "onnx/text.h"
#include "ops/infer.h"

using namespace mcompress;

namespace {

/// y = x + the float16 constant read as float32; how many nodes are left.
std::size_t nodes_left(std::int64_t elements, Widening widening) {
    const auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13]>
        g (float[1] x) => (float[N] y) { w = Cast <to = 1> (x) y = Add (x, w) })");
    Graph& graph = *model->graph;
    graph.set_input(graph.find_value("w")->producer(), 0, graph.add_constant("stored", Tensor(DType::Float16, Shape{elements})));
    infer_types(graph);
    (void)make_fold_constants([](const Node& node, std::span<const Tensor> inputs) { return evaluate_node(node, inputs); }, widening)
        ->run(graph);
    return graph.node_count();
}

}  // namespace

TEST_CASE("fold-constants: a constant that is widened for its readers stays narrow where that is asked for") {
    CHECK(nodes_left(4096, Widening::Fold) == 1);
    CHECK(nodes_left(4096, Widening::Keep) == 2);
    CHECK(nodes_left(64, Widening::Keep) == 1);
}
