#include "tune/refine_ranges.h"

#include <random>

#include "calibrate/calibrator.h"
#include "catch.h"
#include "engine/engine.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "passes/pipelines.h"
#include "tune/samples.h"
#include "tune/trial.h"

using namespace mcompress;

namespace {

/// The third feature hardly reaches the outputs, and has a long tail.
constexpr const char* kModel = R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[1, 3] x) => (float[1, 2] y) {
        w = Constant <value = float[3, 2] {0.9, -0.7, 0.5, 0.8, 0.0001, -0.0002}> ()
        y = MatMul (x, w)
    })";

class Tailed : public Dataset {
public:
    std::size_t size() const override { return 60; }
    Sample sample(std::size_t index) const override {
        std::mt19937 random(static_cast<unsigned>(index));
        std::normal_distribution<float> normal;
        const float a = normal(random), b = normal(random), tail = normal(random);
        return {{"x", Tensor::from_values(Shape{1, 3}, std::vector<float>{a, b, 5.0F * tail * tail * tail})}};
    }
    std::string sample_name(std::size_t index) const override { return std::to_string(index); }
};

}  // namespace

TEST_CASE("refine_ranges: a tail that the outputs do not need is cut, which no statistic of the value can tell") {
    const auto model = parse_model(kModel);
    infer_types(*model->graph);
    const auto engine = make_onednn_engine();
    const auto data = std::make_shared<Tailed>();
    run_pipeline("observe", *model->graph, {});
    const CalibrationTable table = calibrate(*model->graph, *engine, *data);
    run_pipeline("strip", *model->graph, {});

    const SampleSplit split = split_samples(data);
    const Trial trial(*engine, *model->graph, *split.held_out, 1);
    const auto sqnr = [&](const QuantizationScheme& scheme) {
        return trial.measure(*quantized_copy(*model->graph, scheme, table)).sqnr_db();
    };
    Tuning balanced{.scheme = {.range_method = "min-max"}, .data = data};
    refine_ranges(*model->graph, table, balanced);
    CHECK(balanced.scheme.ranges.empty());

    Tuning most{.scheme = {.effort = Effort::Max, .range_method = "min-max"}, .data = data};
    const double before = sqnr(most.scheme);
    refine_ranges(*model->graph, table, most);
    REQUIRE(most.scheme.ranges.contains("x"));
    CHECK(sqnr(most.scheme) > before + 2.0);
    CHECK(most.notes.size() == 1);
}
