// The scale of samples is judged by the first layer; made-up samples have the scale that it wants.
#include "tune/input_scale.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "catch.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "support/error.h"
#include "tune/synthetic_data.h"

using namespace mcompress;

namespace {

using Verdict = DataFinding::Verdict;

/// Smooth pictures times `scale`.
class Waves : public Dataset {
public:
    explicit Waves(float scale) : scale_(scale) {}
    std::size_t size() const override { return 40; }
    std::string sample_name(std::size_t) const override { return "wave"; }
    Sample sample(std::size_t index) const override {
        std::vector<float> values(3 * 16 * 16);
        for (std::size_t at = 0; at < values.size(); ++at)
            values[at] =
                scale_ * std::sin(0.3F * static_cast<float>(at % 16) + 0.2F * static_cast<float>(at / 16) + static_cast<float>(index));
        return {{"x", Tensor::from_values(Shape{1, 3, 16, 16}, values)}};
    }

private:
    float scale_;
};

std::vector<float> random_values(std::size_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> values(count);
    for (float& value : values) value = normal(random);
    return values;
}

using Constants = std::vector<std::pair<std::string, std::vector<float>>>;

/// A model x → y with constants of rank 1, and conv weights `w`.
std::unique_ptr<Model> model_of(const std::string& body, const Constants& constants) {
    std::string placeholders = "w = Constant <value_int = 0> () ";
    for (const auto& [name, values] : constants) placeholders += name + " = Constant <value_int = 0> () ";
    auto model = parse_model("<ir_version: 8, opset_import: [\"\" : 13]> g (float[1,3,16,16] x) => (float[1,8,14,14] y) { " + placeholders +
                             body + " }");
    const auto put = [&](const std::string& name, const Tensor& tensor) {
        Value* placeholder = model->graph->find_value(name);
        Value* value = model->graph->add_constant("placeholder", tensor);
        model->graph->replace_all_uses(placeholder, value);
        model->graph->erase(placeholder->producer());
        model->graph->rename(value, name);
    };
    put("w", Tensor::from_values(Shape{8, 3, 3, 3}, random_values(8 * 27, 3)));
    for (const auto& [name, values] : constants) put(name, Tensor::from_values(Shape{static_cast<std::int64_t>(values.size())}, values));
    infer_types(*model->graph);
    return model;
}

/// Moments of the convolution's result on Waves(1).
ChannelMoments usual_moments() {
    const auto model = model_of("y = Conv (x, w)", {});
    return measure_moments(*make_onednn_engine(), *model->graph, "y", Waves(1.0F), 16, 2);
}

std::unique_ptr<Model> normalized_model() {
    const ChannelMoments moments = usual_moments();
    return model_of("c = Conv (x, w) y = BatchNormalization (c, s, b, m, v)",
                    {{"s", std::vector<float>(8, 1.0F)},
                     {"b", std::vector<float>(8, 0.0F)},
                     {"m", {moments.means.begin(), moments.means.end()}},
                     {"v", {moments.variances.begin(), moments.variances.end()}}});
}

/// A bias as large as the result varies.
std::unique_ptr<Model> biased_model(const std::string& body) {
    std::vector<float> bias;
    for (const double variance : usual_moments().variances) bias.push_back(static_cast<float>(std::sqrt(variance)));
    return model_of(body, {{"b", bias}, {"s", std::vector<float>(8, 1.0F)}, {"o", std::vector<float>(8, 0.0F)}});
}

/// "" when nothing is found, else the verdict.
std::string verdict(const Model& model, const Dataset& data) {
    const auto findings = check_input_scale(*make_onednn_engine(), *model.graph, data, 2);
    if (findings.empty()) return "";
    REQUIRE(findings.size() == 1);
    CHECK(findings.front().what.find("scale") != std::string::npos);
    return findings.front().verdict == Verdict::Unfit ? "unfit" : "warning";
}

}  // namespace

TEST_CASE("samples are judged by the statistics that the first batch norm was trained with", "[data]") {
    const auto model = normalized_model();
    CHECK(verdict(*model, Waves(1.0F)).empty());
    CHECK(verdict(*model, Waves(2.0F)).empty());
    CHECK(verdict(*model, Waves(3.0F)) == "warning");
    CHECK(verdict(*model, Waves(60.0F)) == "unfit");
    CHECK(verdict(*model, Waves(0.02F)) == "unfit");
}

TEST_CASE("without a batch norm, samples are judged by the first bias", "[data]") {
    const auto model = biased_model("y = Conv (x, w, b)");
    CHECK(verdict(*model, Waves(1.0F)).empty());
    CHECK(verdict(*model, Waves(5.0F)).empty());
    CHECK(verdict(*model, Waves(15.0F)) == "warning");
    CHECK(verdict(*model, Waves(60.0F)) == "unfit");
    CHECK(verdict(*model, Waves(0.02F)) == "unfit");
    // What is normalized sample by sample tells nothing, nor does a convolution without a bias.
    CHECK(verdict(*biased_model("c = Conv (x, w, b) y = InstanceNormalization (c, s, o)"), Waves(60.0F)).empty());
    CHECK(verdict(*model_of("y = Conv (x, w)", {}), Waves(60.0F)).empty());
}

TEST_CASE("a batch norm further on tells more than the first bias", "[data]") {
    const ChannelMoments moments = usual_moments();  // with a bias of a thousandth: by that alone the samples would be unfit
    const auto model = model_of("c = Conv (x, w, k) d = LeakyRelu <alpha = 0.99> (c) y = BatchNormalization (d, s, b, m, v)",
                                {{"k", std::vector<float>(8, 1e-3F)},
                                 {"s", std::vector<float>(8, 1.0F)},
                                 {"b", std::vector<float>(8, 0.0F)},
                                 {"m", {moments.means.begin(), moments.means.end()}},
                                 {"v", {moments.variances.begin(), moments.variances.end()}}});
    CHECK(verdict(*model_of("y = Conv (x, w, k)", {{"k", std::vector<float>(8, 1e-3F)}}), Waves(1.0F)) == "unfit");
    CHECK(verdict(*model, Waves(1.0F)).empty());
    CHECK(verdict(*model, Waves(60.0F)) == "unfit");
}

TEST_CASE("indices have no scale: a layer behind an embedding does not judge samples", "[data]") {
    const std::string text =
        "<ir_version: 8, opset_import: [\"\" : 13]> g (int64[1,6] x) => (float[1,4,4] y) "
        "<float[9,2] table = {4,40,-7,10,50,-90,20,60,30,-30,5,80,-60,9,7,-8,70,3}, "
        "float[4,2,3] w = {1,2,3,4,5,6,1,2,3,4,5,6,1,2,3,4,5,6,1,2,3,4,5,6}, float[4] b = {1,1,1,1}, int64[1] last = {2}> { ";
    const auto embedded = parse_model(text + "e = Gather (table, x) t = Transpose <perm = [0,2,1]> (e) y = Conv (t, w, b) }");
    infer_types(*embedded->graph);
    CHECK(find_first_layer(*embedded->graph).node == nullptr);
    // As numbers the same samples do judge.
    const auto counted = parse_model(text + "e = Gather (table, x) c = Cast <to = 1> (x) s = Unsqueeze (c, last) m = Mul (e, s) "
                                            "t = Transpose <perm = [0,2,1]> (m) y = Conv (t, w, b) }");
    infer_types(*counted->graph);
    CHECK(find_first_layer(*counted->graph).node != nullptr);
}

TEST_CASE("made-up samples look like pictures, have the scale the model wants, and are the same every time", "[data]") {
    const auto engine = make_onednn_engine();
    for (const auto& model : {normalized_model(), biased_model("y = Conv (x, w, b)")}) {
        const auto data = make_synthetic_data(*engine, *model->graph, 40, 2);
        REQUIRE(data->size() == 40);
        CHECK(check_samples(*data, 2).empty());
        CHECK(verdict(*model, *data).empty());
        const auto again = make_synthetic_data(*engine, *model->graph, 40, 1);
        for (const std::size_t index : {0, 39}) {
            const Tensor first = data->sample(index).at(0).second, second = again->sample(index).at(0).second;
            CHECK(std::ranges::equal(first.values<float>(), second.values<float>()));
        }
    }
}

TEST_CASE("samples are made up for one input of pictures only", "[data]") {
    for (const char* signature :
         {"(float[1,40] x) => (float[1,40] y) { y = Relu (x) }", "(float[1,64,8,8] x) => (float[1,64,8,8] y) { y = Relu (x) }",
          "(float[1,3,8,8] x, float[1,3,8,8] z) => (float[1,3,8,8] y) { y = Add (x, z) }"}) {
        const auto model = parse_model(std::string("<ir_version: 8, opset_import: [\"\" : 13]> g ") + signature);
        infer_types(*model->graph);
        try {
            make_synthetic_data(*make_onednn_engine(), *model->graph, 4, 1);
            FAIL("not refused");
        } catch (const Error& error) {
            CHECK(error.code().id == std::string(codes::kUsage.id));
        }
    }
}
