// Equalization on a small network whose channels differ widely: it pays, a Clip cuts nothing new, the outcome does not depend on threads.
#include "tune/equalize_layers.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "calibrate/calibrator.h"
#include "catch.h"
#include "ir/clone.h"
#include "ir/fingerprint.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "passes/pipelines.h"
#include "support/error.h"
#include "tune/choose_factors.h"
#include "tune/rescale_channels.h"
#include "tune/trial.h"

using namespace mcompress;

namespace {

/// Normal weights; output channel o times spread^(o / (channels - 1)).
std::string weights(const std::string& name, const Shape& shape, double deviation, double spread, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal(0.0, deviation);
    const std::int64_t inner = shape.product(1, shape.rank());
    std::string text = name + " = Constant <value = float" + shape.to_string() + " {";
    for (std::int64_t at = 0; at < shape.element_count(); ++at) {
        const double place = static_cast<double>(at / inner) / static_cast<double>(std::max<std::int64_t>(1, shape[0] - 1));
        text += format("{}{:.7f}", at > 0 ? ", " : "", normal(random) * std::pow(spread, place));
    }
    return text + "}> ()\n";
}

/// Channels behind the first convolution span a factor of 64, the weights that read them make up for it.
std::unique_ptr<Model> network(const std::string& activation) {
    std::string consumer = "w2 = Constant <value = float[6, 16, 1, 1] {";
    std::mt19937 random(3);
    std::normal_distribution<double> normal(0.0, 0.5);
    for (int at = 0; at < 96; ++at)
        consumer += format("{}{:.6f}", at > 0 ? ", " : "", normal(random) * std::pow(64.0, static_cast<double>(at % 16) / 15.0));
    auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13]>
        g (float[1, 3, 8, 8] x) => (float[1, 6, 8, 8] y) {
            zero = Constant <value = float {0.0}> ()
            six = Constant <value = float {6.0}> ()
        )" + weights("w1", Shape{16, 3, 3, 3}, 0.4, 1.0 / 64.0, 1) +
                             consumer + "}> ()\n c = Conv <pads = [1, 1, 1, 1]> (x, w1)\n" + activation + " y = Conv (t, w2)\n }");
    infer_types(*model->graph);
    run_pipeline("fuse", *model->graph, {});
    return model;
}

class Pictures : public Dataset {
public:
    std::size_t size() const override { return 30; }
    Sample sample(std::size_t index) const override {
        std::mt19937 random(static_cast<unsigned>(100 + index));
        std::normal_distribution<float> normal(0.2F, 1.0F);
        std::vector<float> values(3 * 8 * 8);
        for (float& value : values) value = normal(random);
        return {{"x", Tensor::from_values(Shape{1, 3, 8, 8}, values)}};
    }
    std::string sample_name(std::size_t index) const override { return format("picture {}", index); }
};

CalibrationTable observe(Graph& graph, const Engine& engine) {
    run_pipeline("observe", graph, {});
    CalibrationTable table = calibrate(graph, engine, Pictures());
    run_pipeline("strip", graph, {});
    return table;
}

std::vector<ChannelAxis> axes_of(const ChannelGroups& groups) {
    std::vector<ChannelAxis> axes;
    for (const ChannelGroup& group : groups.groups) axes.insert(axes.end(), group.axes.begin(), group.axes.end());
    return axes;
}

}  // namespace

TEST_CASE("equalize_layers: a tensor of wide and narrow channels quantizes better, and the float function stays") {
    const auto engine = make_onednn_engine();
    for (const char* activation : {"t = Relu (c)\n", "t = Clip (c, zero, six)\n", "t = LeakyRelu <alpha = 0.1> (c)\n"}) {
        INFO(activation);
        const auto model = network(activation);
        const Pictures data;
        const Trial trial(*engine, *model->graph, data, 1);
        const CalibrationTable before = observe(*model->graph, *engine);
        const double plain = trial.measure(*quantized_copy(*model->graph, {}, before)).sqnr_db();

        Tuning tuning{.scheme = {}, .data = std::make_shared<Pictures>(), .threads = 1};
        const std::unique_ptr<Graph> equalized = clone(*model->graph);
        equalize_layers(*equalized, *engine, tuning);
        CHECK(trial.measure(*equalized).sqnr_db() > 110.0);
        const CalibrationTable after = observe(*equalized, *engine);
        CHECK(trial.measure(*quantized_copy(*equalized, {}, after)).sqnr_db() > plain + 6.0);
        CHECK(std::any_of(tuning.notes.begin(), tuning.notes.end(),
                          [](const TuningNote& note) { return note.text.find("output SQNR") != std::string::npos; }));

        Tuning threaded{.scheme = {}, .data = std::make_shared<Pictures>(), .threads = 3};
        const std::unique_ptr<Graph> other = clone(*model->graph);
        equalize_layers(*other, *engine, threaded);
        CHECK(fingerprint(*other) == fingerprint(*equalized));
    }
}

TEST_CASE("equalize_layers: values whose range is given keep their channels, the others are rescaled all the same") {
    const auto engine = make_onednn_engine();
    const auto model =
        network("u = Relu (c)\n" + weights("w3", Shape{16, 16, 1, 1}, 0.3, 1.0 / 64.0, 5) + "d = Conv (u, w3)\n t = Relu (d)\n");
    const Pictures data;
    const Trial trial(*engine, *model->graph, data, 1);
    Tuning tuning{.scheme = {}, .data = std::make_shared<Pictures>(), .threads = 1};
    tuning.scheme.ranges["u"] = {0.0F, 10.0F};
    const std::unique_ptr<Graph> equalized = clone(*model->graph);
    equalize_layers(*equalized, *engine, tuning);
    CHECK(trial.measure(*equalized).sqnr_db() > 110.0);
    CHECK(equalized->find_value("u"));
    CHECK_FALSE(fingerprint(*equalized) == fingerprint(*model->graph));
}

TEST_CASE("equalize_layers: the type and the symmetry that were given to a value hold under its new name, too") {
    const auto engine = make_onednn_engine();
    const auto model = network("t = Relu (c)\n");
    Tuning tuning{.scheme = {}, .data = std::make_shared<Pictures>(), .threads = 1};
    tuning.scheme.activation_dtypes = {{"t", DType::UInt16}, {"x", DType::Int8}};
    tuning.scheme.activation_symmetries = {{"t", Symmetry::Symmetric}};
    equalize_layers(*model->graph, *engine, tuning);
    REQUIRE(model->graph->find_value("t_equalized"));
    CHECK(tuning.scheme.activation_dtypes == std::map<std::string, DType>{{"t_equalized", DType::UInt16}, {"x", DType::Int8}});
    CHECK(tuning.scheme.activation_symmetries == std::map<std::string, Symmetry>{{"t_equalized", Symmetry::Symmetric}});
}

TEST_CASE("equalize_layers: a range given under the new name changes no factor") {
    const auto engine = make_onednn_engine();
    const auto plain = network("t = Relu (c)\n"), told = network("t = Relu (c)\n");
    Tuning tuning{.scheme = {}, .data = std::make_shared<Pictures>(), .threads = 1};
    equalize_layers(*plain->graph, *engine, tuning);
    REQUIRE(plain->graph->find_value("t_equalized"));
    tuning.scheme.ranges["t_equalized"] = {0.0F, 1e-3F};  // under which every candidate would seem to do harm
    equalize_layers(*told->graph, *engine, tuning);
    CHECK(fingerprint(*told->graph) == fingerprint(*plain->graph));
    CHECK(tuning.scheme.ranges.contains("t_equalized"));
}

TEST_CASE("choose_factors: a channel that a Clip cuts keeps its factor, the others stay below the bound") {
    const auto engine = make_onednn_engine();
    const auto model = network("t = Clip (c, zero, six)\n");
    const ChannelGroups groups = find_channel_groups(*model->graph);
    REQUIRE(groups.groups.size() == 1);
    const ChannelStatistics statistics = measure_channels(*model->graph, *engine, Pictures(), axes_of(groups), 2);
    const QuantizationPlan plan = plan_quantization(*model->graph, {});
    const ChosenFactors chosen = choose_factors(groups, statistics, ChannelNoise(groups, statistics, plan, {}), Granularity::PerChannel);
    REQUIRE(chosen.choices.size() == 1);
    const Value* clipped = model->graph->find_value("t");
    int cut = 0, widened = 0;
    for (std::size_t channel = 0; channel < 16; ++channel) {
        const double seen = static_cast<double>(statistics.at(clipped).channels[channel].max);
        const double factor = chosen.factors[channel];
        if (seen >= 6.0) {
            ++cut;
            CHECK(factor == 1.0);
        } else {
            widened += factor > 1.5 ? 1 : 0;
            CHECK(seen * factor < 6.0);
        }
    }
    CHECK(cut > 0);
    CHECK(widened > 4);
}

TEST_CASE("choose_factors: with one scale a weight tensor, channels of unequal weights are evened out") {
    const auto engine = make_onednn_engine();
    const auto model = network("t = Relu (c)\n");
    const ChannelGroups groups = find_channel_groups(*model->graph);
    const ChannelStatistics statistics = measure_channels(*model->graph, *engine, Pictures(), axes_of(groups), 1);
    QuantizationScheme scheme;
    scheme.weight_granularity = Granularity::PerTensor;
    const QuantizationPlan plan = plan_quantization(*model->graph, scheme);
    const ChannelNoise noise(groups, statistics, plan, scheme);
    const ChosenFactors chosen = choose_factors(groups, statistics, noise, Granularity::PerTensor);
    REQUIRE(chosen.choices.size() == 1);
    CHECK(chosen.choices[0].noise_after < 0.1 * chosen.choices[0].noise_before);
}

TEST_CASE("measure_channels: exact numbers, the same for any number of threads") {
    const auto engine = make_reference_engine();
    const auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13]>
        g (float[1, 3, 8, 8] x) => (float[1, 3, 8, 8] y) {
            w = Constant <value = float[3, 3, 1, 1] {1, 0, 0, 0, -2, 0, 0, 0, 0.5}> ()
            c = Conv (x, w)
            r = Relu (c)
            y = Conv (r, w)
        })");
    infer_types(*model->graph);
    const ChannelGroups groups = find_channel_groups(*model->graph);
    const Pictures data;
    const ChannelStatistics one = measure_channels(*model->graph, *engine, data, axes_of(groups), 1);
    const ChannelStatistics three = measure_channels(*model->graph, *engine, data, axes_of(groups), 3);
    const double factors[] = {1.0, -2.0, 0.5};
    const Value* relu = model->graph->find_value("r");
    for (std::size_t channel = 0; channel < 3; ++channel) {
        double greatest = 0.0, squares = 0.0;
        int nonzero = 0;
        for (std::size_t index = 0; index < data.size(); ++index) {
            const Tensor x = data.sample(index)[0].second;
            for (std::size_t at = 0; at < 64; ++at) {
                const double value = std::max(0.0, factors[channel] * static_cast<double>(x.values<float>()[channel * 64 + at]));
                greatest = std::max(greatest, value);
                squares += value * value / (64.0 * 30.0);
                nonzero += value > 0.0 ? 1 : 0;
            }
        }
        const ChannelSummary& found = one.at(relu).channels[channel];
        CHECK(found.min == 0.0F);
        CHECK(static_cast<double>(found.max) == Approx(greatest));
        CHECK(found.mean_square == Approx(squares));
        CHECK(found.nonzero_share == Approx(nonzero / (64.0 * 30.0)));
        CHECK(reach_of(one.at(relu), channel) > greatest);
        CHECK(found.mean_square == three.at(relu).channels[channel].mean_square);
        CHECK(found.mean == three.at(relu).channels[channel].mean);
        CHECK(one.at(relu).maxima == three.at(relu).maxima);
    }
}

TEST_CASE("measure_channels: a sample without elements shows nothing of a channel") {
    class FirstEmpty : public Pictures {
    public:
        Sample sample(std::size_t index) const override {
            return index == 0 ? Sample{{"x", Tensor::from_values(Shape{0, 3, 8, 8}, std::vector<float>{})}} : Pictures::sample(index);
        }
    };
    const auto engine = make_reference_engine();
    const auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13]>
        g (float[N, 3, 8, 8] x) => (float[N, 3, 8, 8] y) {
            w = Constant <value = float[3, 3, 1, 1] {1, 0, 0, 0, -2, 0, 0, 0, 0.5}> ()
            r = Conv (x, w)
            y = Conv (r, w)
        })");
    infer_types(*model->graph);
    const ChannelGroups groups = find_channel_groups(*model->graph);
    const ValueChannels seen = measure_channels(*model->graph, *engine, FirstEmpty(), axes_of(groups), 1).at(model->graph->find_value("r"));
    CHECK(seen.minima.size() == 29);
    CHECK(seen.maxima.size() == 29);
    CHECK(reach_of(seen, 2) > static_cast<double>(seen.channels[2].max));
}
