// The sum behind a layer: when it is one, and that rows carry what is added at their own places.
#include "tune/residual.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "catch.h"
#include "engine/bind_inputs.h"
#include "ir/clone.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "support/format.h"
#include "tune/layer_samples.h"
#include "tune/subgraph.h"

using namespace mcompress;

namespace {

std::string constant(const std::string& name, const Shape& shape, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0.0F, 0.5F);
    std::string text = name + " = Constant <value = float" + shape.to_string() + " {";
    for (std::int64_t at = 0; at < shape.element_count(); ++at) text += format("{}{:.6f}", at > 0 ? ", " : "", normal(random));
    return text + "}> ()\n";
}

/// A convolution into a sum with what came before; one into a sum with a constant; one into a sum with what comes after it.
std::unique_ptr<Model> network() {
    auto model =
        parse_model(R"(<ir_version: 8, opset_import: ["" : 13]>
        g (float[2, 3, 6, 5] x) => (float[2, 4, 6, 5] y, float[2, 4, 6, 5] z, float[2, 4, 6, 5] u) {)" +
                    constant("w1", Shape{4, 3, 1, 1}, 1) + constant("w2", Shape{4, 4, 3, 3}, 2) + constant("k", Shape{1, 4, 1, 1}, 3) + R"(
            before = Conv (x, w1)
            rows = Relu (before)
            c = Conv <pads = [1, 1, 1, 1]> (rows, w2)
            s = Add (rows, c)
            y = Relu (s)
            c2 = Conv <pads = [1, 1, 1, 1]> (y, w2)
            z = Add (c2, k)
            c3 = Conv <pads = [1, 1, 1, 1]> (z, w2)
            later = Sigmoid (z)
            u = Add (c3, later)
        })");
    infer_types(*model->graph);
    return model;
}

class Pictures : public Dataset {
public:
    std::size_t size() const override { return 7; }
    Sample sample(std::size_t index) const override {
        std::mt19937 random(static_cast<unsigned>(50 + index));
        std::normal_distribution<float> normal;
        std::vector<float> values(2 * 3 * 6 * 5);
        for (float& value : values) value = normal(random);
        return {{"x", Tensor::from_values(Shape{2, 3, 6, 5}, values)}};
    }
    std::string sample_name(std::size_t index) const override { return format("picture {}", index); }
};

struct Case {
    std::unique_ptr<Model> model = network();
    std::unique_ptr<Graph> dense = clone(*model->graph);
    std::vector<Layer> layers;

    Case() {
        for (Node* node : model->graph->order())
            if (node->is("Conv")) layers.push_back(*float_layer(*node, *dense->find_value(node->output(0)->name())->producer()));
    }
};

Tensor value_of(const Engine& engine, const Graph& graph, const std::string& name, const Sample& sample) {
    const auto part = extract_subgraph(graph, {}, std::vector<std::string>{name});
    return engine.compile(*part, {})->run(bind_inputs(*part, sample)).front();
}

}  // namespace

TEST_CASE("residual: the other operand of an Add, known before the layer and of its results' shape") {
    const Case network;
    REQUIRE(network.layers.size() == 4);
    CHECK_FALSE(residual_of(network.layers[0]));  // read by a Relu
    const std::optional<Residual> sum = residual_of(network.layers[1]);
    REQUIRE(sum);
    CHECK(sum->value->name() == "rows");
    CHECK(sum->passed.low == 0.0F);
    CHECK(network.layers[1].passed.low < 0.0F);
    CHECK_FALSE(residual_of(network.layers[2]));  // a bias
    CHECK_FALSE(residual_of(network.layers[3]));  // computed after it
}

TEST_CASE("rows with residuals: results at the rows' places and what is added there make the sum's values") {
    const Case network;
    const auto engine = make_onednn_engine();
    const Pictures data;
    const RowOptions options{.bytes_per_layer = 1, .threads = 2, .residual = ResidualRows::With};
    GraphPrefix prefix(*engine, *network.dense, network.layers, data, options);
    CHECK(prefix.bytes_per_sample() > 0);  // the dense graph's layers are known by their references
    CHECK(prefix.rows_of(0).fit.residual.empty());
    const SplitRows rows = prefix.rows_of(1);
    const Layer& layer = network.layers[1];
    REQUIRE(rows.fit.count > 20);
    REQUIRE(rows.fit.residual.size() == static_cast<std::size_t>(rows.fit.count * 4));
    REQUIRE(rows.held_out.residual.size() == static_cast<std::size_t>(rows.held_out.count * 4));
    std::vector<std::vector<float>> sums;  // by position, of all samples
    for (std::size_t sample = 0; sample < data.size(); ++sample) {
        const Tensor sum = value_of(*engine, *network.dense, "s", data.sample(sample));
        for (std::int64_t position = 0; position < 2 * 30; ++position) {
            std::vector<float> channels;
            for (std::int64_t channel = 0; channel < 4; ++channel)
                channels.push_back(sum.values<float>()[static_cast<std::size_t>((position / 30 * 4 + channel) * 30 + position % 30)]);
            sums.push_back(channels);
        }
    }
    const std::vector<float> matrix = weight_matrix(layer, float_weight(layer));
    for (const LayerRows* part : {&rows.fit, &rows.held_out})
        for (std::int64_t row = 0; row < part->count; ++row) {
            std::vector<float> expected;
            for (std::int64_t channel = 0; channel < 4; ++channel) {
                double value = static_cast<double>(part->residual[static_cast<std::size_t>(row * 4 + channel)]);
                for (std::int64_t at = 0; at < layer.inputs; ++at)
                    value += static_cast<double>(matrix[static_cast<std::size_t>(channel * layer.inputs + at)]) *
                             static_cast<double>(part->values[static_cast<std::size_t>(row * layer.inputs + at)]);
                expected.push_back(static_cast<float>(value));
            }
            const bool is_there = std::any_of(sums.begin(), sums.end(), [&](const std::vector<float>& channels) {
                return std::equal(channels.begin(), channels.end(), expected.begin(),
                                  [](float a, float b) { return std::abs(a - b) < 1e-3F; });
            });
            CHECK(is_there);
        }
}

TEST_CASE(
    "rows at a layer's positions: windows of its input as one group, marked where they reach into the padding, and results beside them") {
    const Case network;
    const auto engine = make_onednn_engine();
    const Pictures data;
    GraphPrefix prefix(*engine, *network.dense, network.layers, data, {.threads = 2});
    const SplitRows own = prefix.rows_of(1), later = prefix.rows_of(2, KeepValues::No);
    Layer window = network.layers[1];
    const SplitRows rows = prefix.rows_at({window, "rows", "s", std::size_t{64} << 20}, 1);
    REQUIRE(rows.fit.count == own.fit.count);
    REQUIRE(rows.fit.values.size() == own.fit.values.size());
    std::size_t marked = 0;
    for (std::size_t at = 0; at < rows.fit.values.size(); ++at) {
        if (std::isnan(rows.fit.values[at])) ++marked;
        REQUIRE((std::isnan(rows.fit.values[at]) ? 0.0F : rows.fit.values[at]) == own.fit.values[at]);
    }
    CHECK(marked > 0);
    // The sum is what the layer gives and the window's middle.
    const std::vector<float> matrix = weight_matrix(window, float_weight(window));
    double worst = 0.0;
    for (std::int64_t row = 0; row < rows.fit.count; ++row)
        for (std::int64_t channel = 0; channel < 4; ++channel) {
            double value = static_cast<double>(own.fit.values[static_cast<std::size_t>(row * 36 + channel * 9 + 4)]);
            for (std::int64_t at = 0; at < 36; ++at)
                value += static_cast<double>(matrix[static_cast<std::size_t>(channel * 36 + at)]) *
                         static_cast<double>(own.fit.values[static_cast<std::size_t>(row * 36 + at)]);
            worst = std::max(worst, std::abs(value - static_cast<double>(rows.fit.residual[static_cast<std::size_t>(row * 4 + channel)])));
        }
    CHECK(worst < 1e-4);
    // What was not kept is made again of what was.
    CHECK(prefix.rows_of(2).fit.values == later.fit.values);
}
