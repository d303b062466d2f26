// Codes fitted to samples: better outputs on samples not fitted to, bodies, and what happens where no sample comes.
#include "tune/fit_block_codes.h"

#include <random>

#include "catch.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "passes/pipelines.h"
#include "support/error.h"
#include "tune/input_products.h"
#include "tune/trial.h"

using namespace mcompress;

namespace {

constexpr std::int64_t kWidth = 64;

/// Rows whose neighbours depend on each other.
class Rows : public Dataset {
public:
    explicit Rows(bool flag = true) : flag_(flag) {}
    std::size_t size() const override { return 40; }
    Sample sample(std::size_t index) const override {
        std::mt19937 random(static_cast<unsigned>(index));
        std::normal_distribution<float> normal;
        std::vector<float> values(20 * kWidth);
        float carried = 0.0F;
        for (float& value : values) value = carried = 0.9F * carried + normal(random);
        Tensor flag(DType::Bool, Shape{});
        flag.mutable_data<bool>()[0] = flag_;
        return {{"x", Tensor::from_values(Shape{20, kWidth}, values)}, {"c", flag}};
    }
    std::string sample_name(std::size_t index) const override { return std::to_string(index); }

private:
    bool flag_;
};

constexpr const char* kModel = R"(<ir_version: 8, opset_import: ["" : 13]>
    g (float[20,64] x, bool c) => (float[20,64] z) {
        w = Constant <value_int = 0> ()
        v = Constant <value_int = 0> ()
        h = MatMul (x, w)
        r = Tanh (h)
        z = If (c) <
            then_branch = t () => (float[20,64] a) { q = Neg (r)  a = Gemm <transB = 1> (q, v) },
            else_branch = e () => (float[20,64] b) { b = MatMul (r, w) }
        >
    })";

std::unique_ptr<Model> make_model() {
    auto model = parse_model(kModel);
    unsigned seed = 1;
    for (const char* name : {"w", "v"}) {
        std::mt19937 random(seed++);
        std::normal_distribution<float> normal(0.0F, 0.1F);
        std::vector<float> values(kWidth * kWidth);
        for (float& value : values) value = normal(random);
        Value* placeholder = model->graph->find_value(name);
        Value* constant = model->graph->add_constant("placeholder", Tensor::from_values(Shape{kWidth, kWidth}, values));
        model->graph->replace_all_uses(placeholder, constant);
        model->graph->erase(placeholder->producer());
        model->graph->rename(constant, name);
    }
    infer_types(*model->graph);
    return model;
}

QuantizationScheme scheme_of(WeightRounding rounding, ZeroPoints zero_points, Effort effort = Effort::Balanced) {
    QuantizationScheme scheme;
    scheme.effort = effort;
    scheme.activations = ActivationMode::Float;
    scheme.weight_only = {4, 32, rounding, zero_points, WeightForm::MatMulNBits};
    return scheme;
}

double sqnr_with(const QuantizationScheme& scheme, const BlockCodeTable* codes) {
    const auto reference = make_model();
    const auto engine = make_onednn_engine();
    const Rows data;
    const Trial trial(*engine, *reference->graph, data, 1);
    const auto candidate = make_model();
    PassInputs inputs{.evaluator = {}, .scheme = scheme};
    inputs.weight_codes = codes;
    const auto runs = run_pipeline("quantize-blocks", *candidate->graph, inputs);
    CHECK(runs.front().result.rewrites == 3);
    return trial.measure(*candidate->graph).sqnr_db();
}

}  // namespace

TEST_CASE("fit block codes: gptq beats the codes that need no samples by more than 2 dB, in bodies too, for any number of threads") {
    const auto model = make_model();
    const auto data = std::make_shared<Rows>();
    const QuantizationScheme scheme = scheme_of(WeightRounding::Gptq, ZeroPoints::Integer);
    const BlockFit fit = fit_block_codes(*model->graph, scheme, data, 1);
    REQUIRE(fit.weights.size() == 2);
    REQUIRE(fit.codes.size() == 2);
    for (const WeightFit& each : fit.weights) {
        INFO(each.weight);
        CHECK(each.rounding == WeightRounding::Gptq);
        CHECK(each.note.empty());
        CHECK(each.bytes_before == 4 * kWidth * kWidth);
        CHECK(each.bytes_after == kWidth * (32 + 2 * 4 + 1));
        CHECK(each.output_sqnr_db.value() > each.output_sqnr_db_without.value() + 1.0);
    }
    const double fitted = sqnr_with(scheme, &fit.codes);
    CHECK(fitted > sqnr_with(scheme_of(WeightRounding::Nearest, ZeroPoints::None), nullptr) + 2.0);
    const BlockFit again = fit_block_codes(*model->graph, scheme, data, 3);
    for (const auto& [key, codes] : fit.codes) CHECK(again.codes.at(key).codes == codes.codes);
    CHECK(fit_block_codes(*model->graph, scheme_of(WeightRounding::Gptq, ZeroPoints::Integer, Effort::Max), data, 1).weights.size() == 2);
}

TEST_CASE("fit block codes: a weight that no sample reaches is rounded without samples, and the report says so") {
    const auto model = make_model();
    const BlockFit fit =
        fit_block_codes(*model->graph, scheme_of(WeightRounding::Gptq, ZeroPoints::Real), std::make_shared<Rows>(false), 2);
    REQUIRE(fit.weights.size() == 2);
    CHECK(fit.weights[0].rounding == WeightRounding::Gptq);  // read in the main graph and in the branch taken
    CHECK(fit.weights[1].weight == "v");
    CHECK(fit.weights[1].rounding == WeightRounding::Hqq);
    CHECK(fit.weights[1].note.find("no sample") != std::string::npos);
}

TEST_CASE("fit block codes: without samples there is no gptq, and none is needed for the others") {
    const auto model = make_model();
    CHECK_THROWS_AS(fit_block_codes(*model->graph, scheme_of(WeightRounding::Gptq, ZeroPoints::None), nullptr, 1), Error);
    const BlockFit fit = fit_block_codes(*model->graph, scheme_of(WeightRounding::Hqq, ZeroPoints::Real), nullptr, 1);
    CHECK(fit.weights.at(0).weight_sqnr_db > 22.0);
    CHECK_FALSE(fit.weights.at(0).output_sqnr_db.has_value());
}

TEST_CASE("input products: sums over the rows of all samples") {
    const auto model = make_model();
    const Rows data;
    const Value* const x = model->graph->find_value("x");
    const auto engine = make_onednn_engine();
    const std::vector<InputProducts> found = collect_input_products(*model->graph, *engine, data, std::span(&x, 1), 32, 2);
    REQUIRE(found.size() == 1);
    CHECK(found[0].inner == kWidth);
    CHECK(found[0].rows == 40 * 20);
    std::vector<double> expected(kWidth * kWidth);
    for (std::size_t index = 0; index < data.size(); ++index) {
        const Tensor rows = data.sample(index)[0].second;
        for (std::int64_t row = 0; row < 20; ++row)
            for (std::int64_t i = 0; i < kWidth; ++i)
                for (std::int64_t j = 0; j < kWidth; ++j)
                    expected[static_cast<std::size_t>(i * kWidth + j)] += static_cast<double>(rows.data<float>()[row * kWidth + i]) *
                                                                          static_cast<double>(rows.data<float>()[row * kWidth + j]);
    }
    for (std::size_t i = 0; i < expected.size(); ++i) REQUIRE(found[0].segments.at(0).products[i] == Approx(expected[i]).margin(1e-2));
}

TEST_CASE("input products: wide values in parts of whole blocks") {
    CHECK(product_segments(4096, 32).size() == 1);
    CHECK(product_segments(11008, 11008).size() == 1);  // one block a column
    for (const auto& [inner, block] : {std::pair<std::int64_t, std::int64_t>{4097, 32}, {11008, 128}, {11616, 64}, {50000, 4096}}) {
        const std::vector<ProductSegment> segments = product_segments(inner, block);
        CHECK(segments.size() > 1);
        std::int64_t next = 0;
        for (const ProductSegment& segment : segments) {
            CHECK(segment.first == next);
            CHECK(segment.first % block == 0);
            CHECK(segment.width <= 4096 + block);
            next += segment.width;
        }
        CHECK(next == inner);
    }
}

TEST_CASE("fit block codes: gptq of a wide weight, part by part") {
    constexpr std::int64_t kWide = 4128, kColumns = 4, kRowsOfSample = 6;
    class Mixed final : public Dataset {  // 30 sources behind all inputs
    public:
        std::size_t size() const override { return 20; }
        Sample sample(std::size_t index) const override {
            std::vector<float> values(kRowsOfSample * kWide);
            std::mt19937 random(static_cast<unsigned>(index));
            std::normal_distribution<float> normal;
            for (std::int64_t row = 0; row < kRowsOfSample; ++row)
                for (int source = 0; source < 30; ++source) {
                    const float strength = normal(random);
                    std::mt19937 mixing(static_cast<unsigned>(1000 + source));
                    for (std::int64_t at = 0; at < kWide; ++at)
                        values[static_cast<std::size_t>(row * kWide + at)] += strength * (static_cast<float>(mixing()) * 0x1.0p-31F - 1.0F);
                }
            Sample sample;
            sample.emplace_back("x", Tensor::from_values(Shape{kRowsOfSample, kWide}, values));
            return sample;
        }
        std::string sample_name(std::size_t index) const override { return std::to_string(index); }
    };
    Model model;
    model.graph = std::make_unique<Graph>(std::make_shared<OpsetImports>(OpsetImports{{"", 13}}));
    std::mt19937 random(7);
    std::normal_distribution<float> normal(0.0F, 0.1F);
    std::vector<float> weights(kWide * kColumns);
    for (float& each : weights) each = normal(random);
    Value* x = model.graph->add_input("x", ValueType::tensor(DType::Float32, Shape{kRowsOfSample, kWide}));
    Node* product =
        model.graph->add_node({.op_type = "MatMul",
                               .inputs = {x, model.graph->add_constant("w", Tensor::from_values(Shape{kWide, kColumns}, weights))},
                               .outputs = {"y"}});
    model.graph->add_output(product->output(0));
    infer_types(*model.graph);
    const BlockFit fit = fit_block_codes(*model.graph, scheme_of(WeightRounding::Gptq, ZeroPoints::None), std::make_shared<Mixed>(), 2);
    REQUIRE(fit.weights.size() == 1);
    CHECK(fit.weights[0].rounding == WeightRounding::Gptq);
    CHECK(*fit.weights[0].output_sqnr_db > *fit.weights[0].output_sqnr_db_without + 3.0);
}
