// Factors of channels: whatever they are, the function stays; where they cannot be, the reason is named. Factors are powers of two: rescaling is then exact,
// and so is the comparison.
#include "tune/channel_groups.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "catch.h"
#include "engine/engine.h"
#include "fixtures/onnx_case.h"
#include "fixtures/random_tensors.h"
#include "ir/clone.h"
#include "ir/verify.h"
#include "onnx/inline_functions.h"
#include "onnx/load.h"
#include "onnx/text.h"
#include "onnx/upgrade.h"
#include "ops/attributes.h"
#include "ops/infer.h"
#include "passes/pipelines.h"
#include "support/error.h"
#include "tensor/compare.h"
#include "tune/rescale_channels.h"

using namespace mcompress;
using mcompress::testing::Random;
namespace fs = std::filesystem;

namespace {

std::string weights(const std::string& name, const Shape& shape, std::uint64_t seed) {
    Random random(seed);
    std::string text = name + " = Constant <value = float" + shape.to_string() + " {";
    for (std::int64_t at = 0; at < shape.element_count(); ++at)
        text += format("{}{}", at > 0 ? ", " : "", static_cast<double>(random.integer(-128, 128)) / 64.0);
    return text + "}> ()\n";
}

std::unique_ptr<Model> model_of(const std::string& inputs, const std::string& outputs, const std::string& body) {
    auto model = parse_model("<ir_version: 8, opset_import: [\"\" : 17]>\n g (" + inputs + ") => (" + outputs + ") {\n" + body + "}");
    infer_types(*model->graph);
    return model;
}

/// A factor of 1/8 to 8 for each channel that no Clip bounds.
std::vector<double> random_factors(const ChannelGroups& groups, std::uint64_t seed) {
    Random random(seed);
    std::vector<double> factors;
    for (int channel = 0; channel < groups.channel_count; ++channel)
        factors.push_back(std::exp2(static_cast<double>(random.integer(-3, 3))));
    for (const ChannelGroup& group : groups.groups)
        for (const ClipBound& bound : group.bounds)
            if (std::isfinite(bound.high) || (bound.low != 0.0 && std::isfinite(bound.low)))
                for (const int channel : group.channels) factors[static_cast<std::size_t>(channel)] = 1.0;
    return factors;
}

/// Largest error of all outputs relative to their largest value.
double worst_difference(const std::vector<Tensor>& found, const std::vector<Tensor>& expected) {
    double worst = 0.0;
    for (std::size_t at = 0; at < found.size(); ++at) {
        if (!expected[at].defined()) continue;
        if (found[at].shape() != expected[at].shape()) return HUGE_VAL;
        if (!is_float(expected[at].dtype())) continue;
        ErrorMeasure measure;
        measure.add(to_floats(expected[at]), to_floats(found[at]));
        if (measure.not_finite > 0) return HUGE_VAL;
        worst = std::max(worst, measure.max_absolute / std::max(measure.max_reference, 1e-6));
    }
    return worst;
}

std::vector<Tensor> run(const Graph& graph, const std::vector<Tensor>& inputs, const Engine& engine) {
    CompileOptions options;
    for (std::size_t at = 0; at < inputs.size(); ++at)
        if (inputs[at].defined()) options.input_shapes[graph.inputs()[at]->name()] = inputs[at].shape();
    return engine.compile(graph, options)->run(inputs);
}

std::size_t changed_channels(const ChannelGroups& groups, const std::vector<double>& factors) {
    std::set<int> changed;
    for (const ChannelGroup& group : groups.groups)
        for (const int channel : group.channels)
            if (factors[static_cast<std::size_t>(channel)] != 1.0) changed.insert(channel);
    return changed.size();
}

/// Rescales a copy by random factors, checks that it is a legal graph that computes the same, and returns the number of groups.
std::size_t check_exact(const Graph& graph, const std::vector<Tensor>& inputs, double tolerance) {
    const auto engine = make_reference_engine();
    const std::vector<Tensor> expected = run(graph, inputs, *engine);
    const std::unique_ptr<Graph> copy = clone(graph);
    const ChannelGroups groups = find_channel_groups(*copy);
    const std::vector<double> factors = random_factors(groups, 7);
    REQUIRE(rescale_channels(*copy, groups, factors));
    CHECK(verify(*copy).empty());
    CHECK(worst_difference(run(*copy, inputs, *engine), expected) <= tolerance);
    return groups.groups.size();
}

struct Pattern {
    const char* name;
    std::string inputs, outputs, body;
    std::size_t groups;  // that it must find
};

const std::string kImage = "float[2, 3, 6, 6] x";

std::vector<Pattern> patterns() {
    const std::string first =
        weights("w1", Shape{4, 3, 3, 3}, 1) + weights("b1", Shape{4}, 2) + "c1 = Conv <pads = [1, 1, 1, 1]> (x, w1, b1)\n";
    const std::string last = weights("wl", Shape{2, 4, 1, 1}, 9) + "y = Conv (t, wl)\n";
    const std::string out = "float[2, 2, N, M] y";
    return {
        {"Relu", kImage, out, first + "t = Relu (c1)\n" + last, 1},
        {"LeakyRelu", kImage, out, first + "t = LeakyRelu <alpha = 0.25> (c1)\n" + last, 1},
        {"PRelu", kImage, out, first + weights("s", Shape{4, 1, 1}, 3) + "t = PRelu (c1, s)\n" + last, 1},
        {"depthwise", kImage, out, first + weights("d", Shape{4, 1, 3, 3}, 3) + "r = Relu (c1)\n t = Conv <group = 4> (r, d)\n" + last, 2},
        {"grouped", kImage, out,
         first + weights("d", Shape{4, 2, 3, 3}, 3) + weights("e", Shape{4}, 4) + "r = Relu (c1)\n t = Conv <group = 2> (r, d, e)\n" + last,
         2},
        {"transposed with groups", kImage, out,
         first + weights("d", Shape{4, 2, 2, 2}, 3) + weights("e", Shape{4}, 4) +
             "r = Relu (c1)\n t = ConvTranspose <group = 2> (r, d, e)\n" + last,
         2},
        {"residual", kImage, out,
         first + weights("d", Shape{4, 4, 1, 1}, 3) + "r = Relu (c1)\n c2 = Conv (r, d)\n a = Add (c2, r)\n t = Relu (a)\n" + last, 1},
        {"pools", kImage, out,
         first +
             "m = MaxPool <kernel_shape = [2, 2]> (c1)\n p = AveragePool <kernel_shape = [2, 2], pads = [1, 1, 1, 1]> (m)\n t = "
             "GlobalAveragePool (p)\n" +
             last,
         1},
        {"concat, split, slice", kImage, "float[2, 3, N, M] y",
         first + weights("w2", Shape{4, 3, 1, 1}, 5) + "c2 = Conv (x, w2)\n k = Concat <axis = 1> (c1, c2)\n" +
             "st = Constant <value = int64[1] {1}> ()\n en = Constant <value = int64[1] {7}> ()\n ax = Constant <value = int64[1] {1}> "
             "()\n" +
             "s = Slice (k, st, en, ax)\n p, q = Split <axis = 1> (s)\n" + weights("w3", Shape{3, 3, 1, 1}, 6) +
             weights("w4", Shape{3, 3, 1, 1}, 7) + "u = Conv (p, w3)\n v = Conv (q, w4)\n y = Add (u, v)\n",
         1},
        {"pad", kImage, out, first + "pads = Constant <value = int64[8] {0, 0, 1, 1, 0, 0, 1, 1}> ()\n t = Pad (c1, pads)\n" + last, 1},
        {"flatten into Gemm", kImage, "float[2, 5] y",
         first + "p = MaxPool <kernel_shape = [3, 3], strides = [3, 3]> (c1)\n f = Flatten (p)\n" + weights("w2", Shape{5, 16}, 4) +
             weights("b2", Shape{5}, 5) + "y = Gemm <transB = 1> (f, w2, b2)\n",
         1},
        {"mean over space", kImage, "float[2, 5] y",
         first + "p = ReduceMean <axes = [2, 3], keepdims = 0> (c1)\n" + weights("w2", Shape{4, 5}, 4) + "y = MatMul (p, w2)\n", 1},
        {"transposed to last", kImage, "float[2, 6, 6, 5] y",
         first + "p = Transpose <perm = [0, 2, 3, 1]> (c1)\n" + weights("w2", Shape{4, 5}, 4) + "y = MatMul (p, w2)\n", 1},
        {"batch normalization", kImage, out,
         first + weights("g", Shape{4}, 4) + weights("h", Shape{4}, 5) + weights("m", Shape{4}, 6) +
             "v = Constant <value = float[4] {1, 2, 0.5, 4}> ()\n t = BatchNormalization (c1, g, h, m, v)\n" + last,
         2},
        {"times and plus constants", kImage, out,
         first + weights("g", Shape{4, 1, 1}, 4) + weights("h", Shape{1, 4, 1, 1}, 5) + "m = Mul (c1, g)\n t = Add (m, h)\n" + last, 2},
        {"divided by a constant", kImage, out, first + "g = Constant <value = float[4, 1, 1] {1, 2, 4, 0.5}> ()\n t = Div (c1, g)\n" + last,
         2},
        {"squeeze and excite", kImage, out,
         first + weights("w2", Shape{4, 4, 1, 1}, 4) +
             "p = GlobalAveragePool (c1)\n q = Conv (p, w2)\n s = Sigmoid (q)\n t = Mul (c1, s)\n" + last,
         1},
        {"layer normalization", "float[2, 5, 4] x", "float[2, 5, 3] y",
         weights("g", Shape{4}, 1) + weights("h", Shape{4}, 2) + weights("w", Shape{4, 3}, 3) + weights("v", Shape{4, 3}, 4) +
             "n = LayerNormalization (x, g, h)\n a = MatMul (n, w)\n b = MatMul (n, v)\n y = Add (a, b)\n",
         1},
        {"two layers", "float[2, 5] x", "float[2, 3] y",
         weights("w", Shape{5, 4}, 1) + weights("b", Shape{4}, 2) + weights("v", Shape{4, 3}, 3) +
             "m = MatMul (x, w)\n a = Add (m, b)\n r = Relu (a)\n y = MatMul (r, v)\n",
         1},
        {"resize", kImage, out, first + "e = Constant <value = float[4] {1, 1, 2, 2}> ()\n t = Resize (c1, , e)\n" + last, 1},
    };
}

/// Six to fourteen operators on values of 4 or 6 channels, wired at random; what nobody reads goes through a last convolution.
std::string random_body(std::uint64_t seed) {
    Random random(seed);
    struct Known {
        std::string name;
        int channels;
    };
    std::string body = weights("w_in", Shape{4, 3, 1, 1}, seed) + "v0 = Conv (x, w_in)\n";
    std::vector<Known> values{{"v0", 4}};
    const auto pick = [&] { return values[static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(values.size()) - 1))]; };
    const std::int64_t count = random.integer(6, 14);
    for (std::int64_t at = 1; at <= count; ++at) {
        const std::string name = format("v{}", at);
        const Known from = pick();
        const Known other = pick();
        int channels = from.channels;
        std::string node;
        switch (random.integer(0, 9)) {
            case 0:
            case 1:
                channels = random.chance(50) ? 4 : 6;
                body += weights("w" + name, Shape{channels, from.channels, 3, 3}, seed + 100) +
                        weights("b" + name, Shape{channels}, seed + 200);
                node = format("Conv <pads = [1, 1, 1, 1]> ({}, w{}, b{})", from.name, name, name);
                break;
            case 2:
                body += weights("w" + name, Shape{channels, 1, 3, 3}, seed + 300);
                node = format("Conv <pads = [1, 1, 1, 1], group = {}> ({}, w{})", channels, from.name, name);
                break;
            case 3:
                body += weights("w" + name, Shape{channels, from.channels / 2, 1, 1}, seed + 400);
                node = format("Conv <group = 2> ({}, w{})", from.name, name);
                break;
            case 4: node = format("Relu ({})", from.name); break;
            case 5: node = format("MaxPool <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> ({})", from.name); break;
            case 6:
                body += weights("c" + name, Shape{channels, 1, 1}, seed + 500);
                node = format("{} ({}, c{})", random.chance(50) ? "Add" : "Mul", from.name, name);
                break;
            case 7:
                if (other.channels == from.channels) node = format("{} ({}, {})", random.chance(70) ? "Add" : "Mul", from.name, other.name);
                else node = format("LeakyRelu ({})", from.name);
                break;
            case 8: node = format("{} ({})", random.chance(30) ? "Sigmoid" : "Neg", from.name); break;
            default:
                body += "p, q" + name + " = Split <axis = 1> (" + from.name + ")\n";
                body.replace(body.rfind("p, q"), 1, "p" + name);
                node = format("Concat <axis = 1> (q{}, p{})", name, name);
        }
        body += name + " = " + node + "\n";
        values.push_back({name, channels});
    }
    const Known last = values.back();
    return body + weights("w_out", Shape{2, last.channels, 1, 1}, seed + 600) + "y = Conv (" + last.name + ", w_out)\n";
}

fs::path assets() {
    const char* given = std::getenv("MCOMPRESS_ASSETS");
    return given ? fs::path(given) : fs::path(MCOMPRESS_SOURCE_DIR) / ".." / "shared" / "assets";
}

}  // namespace

TEST_CASE("channel groups: factors pass operators and are taken in by constants") {
    for (const Pattern& pattern : patterns()) {
        INFO(pattern.name);
        const auto model = model_of(pattern.inputs, pattern.outputs, pattern.body);
        const std::vector<Tensor> inputs = mcompress::testing::random_inputs(*model->graph, 5);
        CHECK(check_exact(*model->graph, inputs, 0.0) == pattern.groups);
        const ChannelGroups groups = find_channel_groups(*model->graph);
        CHECK(changed_channels(groups, random_factors(groups, 7)) > 0);
    }
}

TEST_CASE("channel groups: random graphs compute the same with any factors") {
    std::size_t groups = 0;
    for (std::uint64_t seed = 1; seed <= 150; ++seed) {
        INFO("seed " << seed);
        const auto model = model_of(kImage, "float[2, 2, 6, 6] y", random_body(seed));
        groups += check_exact(*model->graph, mcompress::testing::random_inputs(*model->graph, seed), 1e-5);
    }
    CHECK(groups > 150);
}

TEST_CASE("channel groups: what has no factors says why") {
    const std::string first = weights("w1", Shape{4, 3, 1, 1}, 1) + "c1 = Conv (x, w1)\n";
    const std::string last = weights("w2", Shape{2, 4, 1, 1}, 2) + "y = Conv (t, w2)\n";
    const auto reason = [&](const std::string& middle) {
        const auto model = model_of(kImage, "float[2, 2, N, M] y", first + middle + last);
        for (const FrozenChannels& frozen : find_channel_groups(*model->graph).frozen)
            if (frozen.value == "c1") return frozen.reason;
        return std::string();
    };
    CHECK(reason("t = Sigmoid (c1)\n") == "'t' (Sigmoid): no factor passes through it");
    CHECK(reason("t = Mul (c1, c1)\n").find("it is multiplied by another activation") != std::string::npos);
    CHECK(reason("low = Constant <value = float {1.0}> ()\n t = Clip (c1, low)\n").find("its bounds do not hold 0") != std::string::npos);
    CHECK(reason("h = Constant <value = float {1.0}> ()\n t = Add (c1, h)\n").find("it adds the same constant to several of them") !=
          std::string::npos);
    CHECK(reason("t = Softmax <axis = 1> (c1)\n") == "'t' (Softmax): no factor passes through it");
    CHECK(reason("t = Relu (c1)\n").empty());
    const auto model = model_of(kImage, "float[2, 4, 6, 6] y", weights("w1", Shape{4, 3, 1, 1}, 1) + "y = Conv (x, w1)\n");
    CHECK(find_channel_groups(*model->graph).frozen[0].reason == "'y' (Conv): it is an output of the model");
    CHECK(find_channel_groups(*model->graph).groups.empty());
}

TEST_CASE("channel groups: values that are named keep their numbers") {
    const auto model = model_of(kImage, "float[2, 2, 6, 6] y",
                                weights("w1", Shape{4, 3, 1, 1}, 1) + weights("w2", Shape{2, 4, 1, 1}, 2) +
                                    "c = Conv (x, w1)\n r = Relu (c)\n y = Conv (r, w2)\n");
    CHECK(find_channel_groups(*model->graph).groups.size() == 1);
    CHECK(find_channel_groups(*model->graph, {"r"}).groups.empty());
}

TEST_CASE("trap 22: factors folded into a layer normalization reach everyone who reads it, or nobody") {
    const std::string tokens = "float[2, 5, 8] x";
    const std::string norm = weights("g", Shape{8}, 1) + weights("b", Shape{8}, 2) + weights("w1", Shape{8, 4}, 3) +
                             weights("w2", Shape{8, 6}, 4) + "n = LayerNormalization (x, g, b)\n y = MatMul (n, w1)\n";
    const auto both = model_of(tokens, "float[2, 5, 4] y, float[2, 5, 6] z", norm + "z = MatMul (n, w2)\n");
    const std::vector<Tensor> inputs = mcompress::testing::random_inputs(*both->graph, 5);
    CHECK(check_exact(*both->graph, inputs, 0.0) == 1);
    Graph& graph = *both->graph;
    const ChannelGroups groups = find_channel_groups(graph);
    REQUIRE(rescale_channels(graph, groups, std::vector<double>(static_cast<std::size_t>(groups.channel_count), 2.0)));
    for (const char* reader : {"y", "z"})  // the weight of each became half
        CHECK(known_tensor(graph.find_value(reader)->producer()->input(1))->data<float>()[0] ==
              0.5F * known_tensor(model_of(tokens, "float[2, 5, 4] y, float[2, 5, 6] z", norm + "z = MatMul (n, w2)\n")
                                      ->graph->find_value(reader)
                                      ->producer()
                                      ->input(1))
                         ->data<float>()[0]);
    for (const char* other : {"z = Sigmoid (n)\n", "z = Identity (n)\n", "z = Add (n, x)\n"}) {
        INFO(other);
        const auto model = model_of(tokens, "float[2, 5, 4] y, float[2, 5, 8] z", norm + other);
        CHECK(find_channel_groups(*model->graph).groups.empty());
    }
    const auto given = model_of(tokens, "float[2, 5, 4] y, float[2, 5, 8] n", norm);
    CHECK(find_channel_groups(*given->graph).groups.empty());
}

TEST_CASE("rescale_channels: changed values and shared constants") {
    const auto model = model_of(kImage, "float[2, 2, 6, 6] y, float[2, 4, 6, 6] z",
                                weights("w1", Shape{4, 3, 1, 1}, 1) + weights("b", Shape{4}, 3) + weights("w2", Shape{2, 4, 1, 1}, 2) +
                                    "c = Conv (x, w1, b)\n r = Relu (c)\n y = Conv (r, w2)\n z = Conv (x, w1, b)\n");
    const std::vector<Tensor> inputs = mcompress::testing::random_inputs(*model->graph, 5);
    CHECK(check_exact(*model->graph, inputs, 0.0) == 1);  // z reads the same constants and is an output
    Graph& graph = *model->graph;
    const ChannelGroups groups = find_channel_groups(graph);
    REQUIRE(rescale_channels(graph, groups, std::vector<double>(static_cast<std::size_t>(groups.channel_count), 1.0)));
    CHECK(graph.find_value("r"));
    REQUIRE(rescale_channels(graph, groups, {2.0, 1.0, 1.0, 1.0}));
    CHECK(!graph.find_value("r"));
    CHECK(graph.find_value("r_equalized"));
    const ChannelGroups again = find_channel_groups(graph);
    CHECK(!rescale_channels(graph, again, {1e39, 1.0, 1.0, 1.0}));
    CHECK(graph.find_value("r_equalized"));
}

TEST_CASE("channel groups: published float models compute the same with any factors") {
    std::size_t rescaled = 0;
    if (!fs::exists(assets() / "expected")) {
        WARN("no assets folder (MCOMPRESS_ASSETS): nothing was tested");
        return;
    }
    for (const char* name :
         {"mobilenet_v1_025_224", "mlperftiny_resnet8_cifar10", "kws_dscnn_fp32", "resnet20_cifar10", "squeezenet1_1_gluon", "fastestdet",
          "ultraface_rfb_320", "yunet_n_320", "picodet_s_320_coco", "mobilevit_xxs_flowers_256", "gtcrn", "ppocrv3_det", "nnsplit_en_lstm",
          "super_resolution_10", "espcn_subpixel_float", "magika_v3_3", "ten_vad", "basic_pitch_nmp"}) {
        INFO(name);
        auto model = load_model(assets() / "models" / (std::string(name) + ".onnx"));
        inline_functions(*model);
        infer_types(*model->graph);
        upgrade_opset(*model, 13);
        run_pipeline("fuse", *model->graph, {});
        const auto folders = data_set_folders(assets() / "expected" / name);
        REQUIRE(!folders.empty());
        const OnnxDataSet stored = load_data_set(folders.front(), *model->graph);
        const auto engine = make_onednn_engine();
        const std::vector<Tensor> expected = run(*model->graph, stored.inputs, *engine);
        const ChannelGroups groups = find_channel_groups(*model->graph);
        const std::vector<double> factors = random_factors(groups, 11);
        rescaled += changed_channels(groups, factors);
        REQUIRE(rescale_channels(*model->graph, groups, factors));
        CHECK(worst_difference(run(*model->graph, stored.inputs, *engine), expected) <= 1e-5);
    }
    CHECK(rescaled > 1000);
}
