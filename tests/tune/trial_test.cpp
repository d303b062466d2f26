#include "tune/trial.h"

#include <random>

#include "calibrate/calibrator.h"
#include "catch.h"
#include "data/array_dataset.h"
#include "ir/fingerprint.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "passes/pipelines.h"

using namespace mcompress;

namespace {

constexpr const char* kModel = R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[N, 4] x) => (float[N, 3] y) {
        w = Constant <value = float[4, 3] {0.5, -0.25, 1, 0.75, 0.1, -0.9, 0.3, 0.2, -0.6, -0.8, 0.4, 0.15}> ()
        y = MatMul (x, w)
    })";

class Rows : public Dataset {
public:
    std::size_t size() const override { return 12; }
    Sample sample(std::size_t index) const override {
        std::mt19937 random(static_cast<unsigned>(index));
        std::normal_distribution<float> normal;
        std::vector<float> row(4);
        for (float& value : row) value = normal(random);
        return {{"x", Tensor::from_values(Shape{1, 4}, row)}};
    }
    std::string sample_name(std::size_t index) const override { return std::to_string(index); }
};

}  // namespace

TEST_CASE("trial: a graph equals itself; a quantized copy is near, the same for any number of threads") {
    const auto model = parse_model(kModel);
    infer_types(*model->graph);
    const auto engine = make_onednn_engine();
    const Rows data;
    const Trial trial(*engine, *model->graph, data, 1);
    CHECK(trial.samples() == 12);
    CHECK(trial.measure(*model->graph).relative_noise() == 0.0);

    const std::string before = fingerprint(*model->graph);
    run_pipeline("observe", *model->graph, {});
    const CalibrationTable table = calibrate(*model->graph, *engine, data);
    run_pipeline("strip", *model->graph, {});
    const auto candidate = quantized_copy(*model->graph, {}, table);
    CHECK(fingerprint(*model->graph) != fingerprint(*candidate));
    const TrialResult result = trial.measure(*candidate);
    CHECK(result.sqnr_db() > 25.0);
    CHECK(result.sqnr_db() < 70.0);
    CHECK(result.rows == 12);
    CHECK(result.agreement().value() > 0.5);
    CHECK(Trial(*engine, *model->graph, data, 3).measure(*candidate).relative_noise() == result.relative_noise());

    QuantizationScheme narrow;
    narrow.ranges["x"] = {-0.1F, 0.1F};
    CHECK(trial.measure(*quantized_copy(*model->graph, narrow, table)).sqnr_db() < 10.0);
    QuantizationScheme kept;
    kept.keep_float[model->graph->find_value("y")->producer()->display_name()] = "it decides";
    CHECK(trial.measure(*quantized_copy(*model->graph, kept, table)).relative_noise() == 0.0);
}

TEST_CASE("trial: what is not kept of many large outputs is computed again, with the same result") {
    constexpr const char* kLarge = R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[1, 4] x) => (float[65536, 4] y) {
        shape = Constant <value = int64[2] {65536, 4}> ()
        factor = Constant <value = float[1] {%}> ()
        z = Mul (x, factor)
        y = Expand (z, shape)
    })";
    const auto parse = [&](const std::string& factor) {
        std::string text = kLarge;
        auto model = parse_model(text.replace(text.find('%'), 1, factor));
        infer_types(*model->graph);
        return model;
    };
    class Many : public Rows {
    public:
        std::size_t size() const override { return 28; }  // of 1 MB each: 20 are kept
    };
    const auto exact = parse("1.0"), other = parse("1.5");
    const auto engine = make_onednn_engine();
    const Many data;
    const Trial trial(*engine, *exact->graph, data, 2);
    CHECK(trial.samples() == 28);
    CHECK(trial.measure(*exact->graph).relative_noise() == 0.0);
    const TrialResult result = trial.measure(*other->graph);
    CHECK(result.relative_noise() == Approx(0.25).epsilon(1e-6));  // (1.5 x - x)^2 over x^2
    CHECK(result.outputs[0].count == 28 * 65536 * 4);
}
