// Blocks around depthwise convolutions in graphs: which layers they are, and that pruning fits them.
#include "prune/inverted_block.h"

#include <algorithm>
#include <random>

#include "catch.h"
#include "data/array_dataset.h"
#include "ir/clone.h"
#include "onnx/text.h"
#include "ops/attributes.h"
#include "ops/infer.h"
#include "prune/prune_graph.h"
#include "support/format.h"

using namespace mcompress;

namespace {

/// A block with a sum behind it, one of two layers whose projection has an activation, and a depthwise convolution that two layers read.
std::unique_ptr<Model> network() {
    auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13]>
        g (float[N, 4, 10, 10] x) => (float[N, 8, 5, 5] y, float[N, 8, 5, 5] z) {
            w0 = Constant <value_int = 0> ()
            w1 = Constant <value_int = 0> ()
            w2 = Constant <value_int = 0> ()
            w3 = Constant <value_int = 0> ()
            w4 = Constant <value_int = 0> ()
            w5 = Constant <value_int = 0> ()
            w6 = Constant <value_int = 0> ()
            w7 = Constant <value_int = 0> ()
            six = Constant <value_float = 6.0> ()
            none = Constant <value_float = 0.0> ()
            a = Conv (x, w0)
            b = Relu (a)
            e = Conv (b, w1)
            ec = Clip (e, none, six)
            d = Conv <group = 24, pads = [1, 1, 1, 1]> (ec, w2)
            dc = Clip (d, none, six)
            p = Conv (dc, w3)
            s = Add (p, b)
            t = Relu (s)
            d2 = Conv <group = 8, pads = [1, 1, 1, 1], strides = [2, 2]> (t, w4)
            p2 = Conv (d2, w5)
            y = Relu (p2)
            d3 = Conv <group = 8, pads = [1, 1, 1, 1]> (y, w6)
            p3 = Conv (d3, w7)
            z = Add (p3, d3)
        })");
    const auto put = [&](const std::string& name, Tensor tensor) {  // as models have them: weights are initializers
        Value* placeholder = model->graph->find_value(name);
        Value* value = model->graph->add_constant(name + "_initial", std::move(tensor));
        model->graph->replace_all_uses(placeholder, value);
        model->graph->erase(placeholder->producer());
    };
    std::mt19937 random(1);
    std::normal_distribution<float> normal(0.0F, 0.4F);
    const std::vector<Shape> shapes{{8, 4, 1, 1}, {24, 8, 1, 1}, {24, 1, 3, 3}, {8, 24, 1, 1},
                                    {8, 1, 3, 3}, {8, 8, 1, 1},  {8, 1, 3, 3},  {8, 8, 1, 1}};
    for (std::size_t at = 0; at < shapes.size(); ++at) {
        std::vector<float> values(static_cast<std::size_t>(shapes[at].element_count()));
        for (float& value : values) value = normal(random);
        put(format("w{}", at), Tensor::from_values(shapes[at], values));
    }
    put("none", Tensor::from_values(Shape{}, std::vector<float>{0.0F}));
    put("six", Tensor::from_values(Shape{}, std::vector<float>{6.0F}));
    infer_types(*model->graph);
    return model;
}

std::shared_ptr<const Dataset> samples() {
    std::mt19937 random(9);
    std::normal_distribution<float> normal;
    std::vector<float> values(40 * 4 * 100);
    for (float& value : values) value = normal(random);
    std::vector<NamedArray> arrays;
    arrays.push_back({"x", "random", Tensor::from_values({40, 4, 10, 10}, values)});
    return make_array_dataset(std::move(arrays), SampleAxis::Leading);
}

std::vector<Layer> layers_of(Graph& pruned, const Graph& dense) {
    std::vector<Layer> layers;
    for (Node* node : pruned.order())
        if (node->is("Conv")) layers.push_back(*float_layer(*node, *dense.find_value(node->output(0)->name())->producer()));
    return layers;
}

}  // namespace

TEST_CASE("inverted blocks: a depthwise layer that a pointwise one alone reads, with the expansion that it alone reads") {
    const auto model = network();
    const std::unique_ptr<Graph> dense = clone(*model->graph);
    const std::vector<Layer> layers = layers_of(*model->graph, *dense);
    REQUIRE(layers.size() == 8);
    const std::vector<InvertedBlock> blocks = find_inverted_blocks(layers);
    REQUIRE(blocks.size() == 2);
    CHECK(blocks[0].expand == std::optional<std::size_t>(1));
    CHECK(blocks[0].depthwise == 2);
    CHECK(blocks[0].project == 3);
    CHECK_FALSE(blocks[1].expand);
    CHECK(blocks[1].first() == 4);
    const std::optional<BlockReads> sum = reads_of(blocks[0], layers), plain = reads_of(blocks[1], layers);
    REQUIRE(sum);
    REQUIRE(plain);
    CHECK(sum->dense.windows == "b");
    CHECK(sum->dense.results == "s");
    CHECK(sum->pruned.results == "b");
    CHECK(sum->dense.at.inputs == 8 * 9);
    CHECK(sum->passed.low == 0.0F);
    CHECK(plain->dense.windows == "t");
    CHECK(plain->dense.results == "p2");
    CHECK(plain->pruned.results.empty());
    CHECK(plain->dense.at.inputs == 8 * 9);
    CHECK(plain->passed.low == 0.0F);
}

TEST_CASE("inverted blocks: pruning fits them, keeps every zero, and gives the same for any number of threads") {
    std::vector<double> fidelity;
    std::vector<float> weights;
    for (const int threads : {1, 3}) {
        auto model = network();
        const std::unique_ptr<Graph> dense = clone(*model->graph);
        PruneOptions options;
        options.sparsity = 0.5;
        options.repair = Repair::Full;
        options.data = samples();
        options.threads = threads;
        const PruneOutcome outcome = prune_graph(*dense, *model->graph, options);
        CHECK(outcome.zeros == outcome.wanted_zeros);
        std::size_t fitted = 0;
        for (const LayerOutcome& layer : outcome.layers)
            if (layer.repair.find("block") != std::string::npos) ++fitted;
        CHECK(fitted >= 3);
        REQUIRE(outcome.fidelity);
        fidelity.push_back(outcome.fidelity->sqnr_db);
        std::vector<float> found;
        for (const Node* node : model->graph->order())
            if (node->is("Conv")) {
                const std::span<const float> values = node->input(1)->constant()->values<float>();
                found.insert(found.end(), values.begin(), values.end());
            }
        if (weights.empty()) weights = found;
        CHECK(found == weights);
    }
    CHECK(fidelity[0] == fidelity[1]);
}
