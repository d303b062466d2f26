// Fitting on small networks: rows are the im2col rows, a bias error disappears, the whole gets better, the same for any number of threads.
#include "tune/fit_layers.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "calibrate/calibrator.h"
#include "catch.h"
#include "engine/bind_inputs.h"
#include "ir/clone.h"
#include "ir/fingerprint.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "passes/pipelines.h"
#include "support/format.h"
#include "tune/fit_weights.h"
#include "tune/layer_samples.h"
#include "tune/subgraph.h"
#include "tune/trial.h"

using namespace mcompress;

namespace {

std::string constant(const std::string& name, const Shape& shape, float deviation, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0.0F, deviation);
    std::string text = name + " = Constant <value = float" + shape.to_string() + " {";
    for (std::int64_t at = 0; at < shape.element_count(); ++at) text += format("{}{:.6f}", at > 0 ? ", " : "", normal(random));
    return text + "}> ()\n";
}

/// Convolutions of every kind (padded and strided, depthwise, 1x1 without a bias), a residual sum and a Gemm.
std::unique_ptr<Model> network() {
    auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13]>
        g (float[1, 3, 12, 12] x) => (float[1, 5] y) {)" +
                             constant("w1", Shape{8, 3, 3, 3}, 0.3F, 1) + constant("b1", Shape{8}, 0.2F, 2) +
                             constant("w2", Shape{8, 1, 3, 3}, 0.4F, 3) + constant("b2", Shape{8}, 0.2F, 4) +
                             constant("w3", Shape{8, 8, 1, 1}, 0.4F, 5) + constant("w4", Shape{8, 5}, 0.5F, 6) +
                             constant("b4", Shape{5}, 0.1F, 7) + R"(
            c1 = Conv <strides = [2, 2], pads = [1, 1, 1, 1]> (x, w1, b1)
            r1 = Relu (c1)
            c2 = Conv <pads = [1, 1, 1, 1], group = 8> (r1, w2, b2)
            r2 = Relu (c2)
            c3 = Conv (r2, w3)
            s = Add (c3, r1)
            p = GlobalAveragePool (s)
            f = Flatten (p)
            y = Gemm (f, w4, b4)
        })");
    infer_types(*model->graph);
    run_pipeline("fuse", *model->graph, {});
    return model;
}

class Pictures : public Dataset {
public:
    std::size_t size() const override { return 25; }
    Sample sample(std::size_t index) const override {
        std::mt19937 random(static_cast<unsigned>(100 + index));
        std::normal_distribution<float> normal(0.3F, 1.0F);
        std::vector<float> values(3 * 12 * 12);
        float previous = 0.0F;
        for (float& value : values) value = previous = 0.8F * previous + 0.6F * normal(random);
        return {{"x", Tensor::from_values(Shape{1, 3, 12, 12}, values)}};
    }
    std::string sample_name(std::size_t index) const override { return format("picture {}", index); }
};

struct Case {
    std::unique_ptr<Model> model = network();
    std::shared_ptr<const Dataset> data = std::make_shared<Pictures>();
    std::unique_ptr<Engine> engine = make_onednn_engine();
    CalibrationTable table;
    std::unique_ptr<Graph> reference, quantized;

    Case() {
        run_pipeline("observe", *model->graph, {});
        table = calibrate(*model->graph, *engine, *data);
        run_pipeline("strip", *model->graph, {});
        reference = clone(*model->graph);
        quantized = clone(*model->graph);
        run_pipeline("quantize-codes", *quantized, {.evaluator = {}, .scheme = {}, .calibration = &table});
    }

    double sqnr(const Graph& codes) const {
        const auto copy = clone(codes);
        run_pipeline("quantize-finish", *copy, {});
        return Trial(*engine, *reference, *data, 1).measure(*copy).sqnr_db();
    }
};

Tensor value_of(const Engine& engine, const Graph& graph, const std::string& name, const Sample& sample) {
    const auto part = extract_subgraph(graph, {}, std::vector<std::string>{name});
    return engine.compile(*part, {})->run(bind_inputs(*part, sample)).front();
}

}  // namespace

TEST_CASE("find_layers: every layer with its groups and what its activation lets through") {
    const Case network;
    const std::vector<Layer> layers = find_layers(*network.reference, *network.quantized);
    REQUIRE(layers.size() == 4);
    CHECK(layers[0].inputs == 27);
    CHECK(layers[0].outputs == 8);
    CHECK(layers[0].passed.low == 0.0F);
    CHECK(layers[1].groups == 8);
    CHECK(layers[1].inputs == 9);
    CHECK(layers[2].inputs == 8);
    CHECK(layers[2].passed.low < 0.0F);
    CHECK(layers[3].inputs == 8);
    CHECK(layers[3].outputs == 5);
    const std::vector<float> matrix = weight_matrix(layers[3], float_weight(layers[3]));
    CHECK(weight_tensor(layers[3], matrix, float_weight(layers[3]).shape()).equals(float_weight(layers[3])));
}

TEST_CASE("rows: W times a layer's rows plus the bias are values of its result, in the float and in the quantized graph") {
    Case network;
    const std::vector<Layer> layers = find_layers(*network.reference, *network.quantized);
    const auto exact = sample_exact_rows(*network.engine, *network.reference, layers, 0, *network.data, {});
    GraphPrefix prefix(*network.engine, *network.quantized, layers, *network.data, {});
    for (std::size_t at = 0; at < layers.size(); ++at) {
        const Layer& layer = layers[at];
        const SplitRows rounded = prefix.rows_of(at);
        CHECK(exact[at].fit.count == rounded.fit.count);
        CHECK(exact[at].held_out.count == rounded.held_out.count);
        CHECK(exact[at].fit.count > 0);
        // The first sample is one to fit to, so the first row is of it.
        const Sample sample = network.data->sample(0);
        const Tensor result = value_of(*network.engine, *network.reference, layer.reference->output(0)->name(), sample);
        const std::vector<float> weights = weight_matrix(layer, float_weight(layer)), bias = float_bias(layer);
        for (std::int64_t group = 0; group < layer.groups; ++group) {
            const std::span<const float> row = exact[at].fit.of_group(layer, group).first(static_cast<std::size_t>(layer.inputs));
            const auto channel = static_cast<std::size_t>(group * layer.outputs);
            float sum = bias[channel];
            for (std::size_t k = 0; k < row.size(); ++k) sum += row[k] * weights[channel * row.size() + k];
            const auto plane = static_cast<std::size_t>(result.element_count()) / bias.size();
            const std::span<const float> channel_values = result.values<float>().subspan(channel * plane, plane);
            CHECK(std::any_of(channel_values.begin(), channel_values.end(), [&](float value) { return std::fabs(value - sum) < 1e-4F; }));
        }
        // Both graphs are read at the same positions.
        double distance = 0.0, power = 0.0;
        for (std::size_t k = 0; k < rounded.fit.values.size(); ++k) {
            const double off = static_cast<double>(rounded.fit.values[k]) - static_cast<double>(exact[at].fit.values[k]);
            distance += off * off;
            power += static_cast<double>(exact[at].fit.values[k]) * static_cast<double>(exact[at].fit.values[k]);
        }
        CHECK(distance < 0.01 * power);
    }
}

TEST_CASE("fit_weights: a bias that is off is set right, trap 5: also where it was 0 or absent") {
    Case network;
    const std::vector<Layer> layers = find_layers(*network.reference, *network.quantized);
    const auto exact = sample_exact_rows(*network.engine, *network.reference, layers, 0, *network.data, {});
    GraphPrefix prefix(*network.engine, *network.quantized, layers, *network.data, {});
    prefix.rows_of(0);
    prefix.rows_of(1);
    SplitRows shifted = prefix.rows_of(2);  // of the layer without a bias
    for (LayerRows* part : {&shifted.fit, &shifted.held_out})
        for (float& value : part->values) value += 0.5F;
    const FitOptions options{.quantize = [](const Tensor& weight) {
        return quantize_weight(weight, 0, std::nullopt, SumWidth::ThirtyTwoBit, DType::Int8, "w");
    }};
    const auto fitted = fit_weights(layers[2], exact[2], shifted, options);
    REQUIRE(fitted);
    CHECK(fitted->error_after < 0.02 * fitted->error_before);
    CHECK(fitted->bias.size() == 8);
}

TEST_CASE("fit_layers: outputs come closer, the same bytes for any number of threads") {
    Case network;
    const double before = network.sqnr(*network.quantized);
    std::string digest;
    for (const int threads : {1, 3}) {
        const auto fitted = clone(*network.quantized);
        Tuning tuning{.scheme = {}, .data = network.data, .threads = threads};
        fit_layers(*network.reference, *fitted, tuning);
        CHECK(network.sqnr(*fitted) > before);
        REQUIRE(tuning.notes.size() == 1);
        CHECK(tuning.notes[0].stage == "fit");
        if (digest.empty()) digest = fingerprint(*fitted);
        CHECK(fingerprint(*fitted) == digest);
    }
}

TEST_CASE("fit_layers: effort fast leaves the graph alone") {
    Case network;
    const std::string before = fingerprint(*network.quantized);
    Tuning tuning{.scheme = {.effort = Effort::Fast}, .data = network.data};
    fit_layers(*network.reference, *network.quantized, tuning);
    CHECK(fingerprint(*network.quantized) == before);
}

TEST_CASE("extract_subgraph: a part computes from given values what the whole computes") {
    const Case network;
    const Sample sample = network.data->sample(3);
    const Tensor middle = value_of(*network.engine, *network.reference, "r1", sample);
    const auto part = extract_subgraph(*network.reference, std::vector<std::string>{"r1"}, std::vector<std::string>{"y"});
    REQUIRE(part->inputs().size() == 1);
    const Tensor found = network.engine->compile(*part, {})->run(std::vector<Tensor>{middle}).front();
    CHECK(found.equals(value_of(*network.engine, *network.reference, "y", sample)));
}
