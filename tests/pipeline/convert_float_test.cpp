// convert --to: the file, both ways, the emulation it is judged by, and the fallback.
#include <algorithm>
#include <cmath>
#include <random>

#include "../data/temporary_folder.h"
#include "catch.h"
#include "data/array_dataset.h"
#include "engine/engine.h"
#include "ir/print.h"
#include "onnx/emit.h"
#include "onnx/load.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "pipeline/convert_float_model.h"
#include "pipeline/emulate_half.h"
#include "support/error.h"
#include "tensor/float16.h"

using namespace mcompress;
namespace fs = std::filesystem;

namespace {

constexpr const char* kBodies = R"(<ir_version: 8, opset_import: ["" : 13]>
g (float[2,3] x, bool cond, int64 trips) => (float[2,3] y, float[?,2,3] z)
{
  w = Constant <value = float[3,3] {0.5, -0.25, 0.125, 1.0, 0.3, -0.7, 0.1, 0.2, 0.9}> ()
  m = MatMul (x, w)
  r = If <then_branch = t () => (float[2,3] a) { a = Sigmoid (m) },
          else_branch = e () => (float[2,3] b) { c = Celu (m)  b = Tanh (c) }> (cond)
  y, z = Loop <body = l (int64 i, bool go, float[2,3] s) => (bool on, float[2,3] s_out, float[2,3] scan) {
      on = Identity (go)
      p = MatMul (s, w)
      s_out = Tanh (p)
      scan = Relu (s_out)
  }> (trips, cond, r)
})";

fs::path write_model(const TemporaryFolder& folder, const char* text) {
    emit_model(*parse_model(text), folder / "model.onnx");
    return folder / "model.onnx";
}

std::vector<Tensor> run(const Graph& graph, const std::vector<Tensor>& inputs, const Engine& engine) {
    return engine.compile(graph, {})->run(inputs);
}

std::vector<Tensor> inputs_of_bodies() {
    return {Tensor::from_values<float>({2, 3}, {1.5F, -0.3F, 0.7F, 0.11F, -2.0F, 0.9F}), Tensor::scalar(true),
            Tensor::scalar<std::int64_t>(3)};
}

double largest_difference(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
    double worst = 0.0;
    for (std::size_t at = 0; at < a.size(); ++at) {
        REQUIRE(a[at].shape() == b[at].shape());
        for (std::int64_t i = 0; i < a[at].element_count(); ++i)
            worst = std::max(worst, static_cast<double>(std::fabs(a[at].data<float>()[i] - b[at].data<float>()[i])));
    }
    return worst;
}

std::unique_ptr<Model> load(const fs::path& path) {
    auto model = load_model(path);
    infer_types(*model->graph);
    return model;
}

FloatConvertRequest request_for(const fs::path& model, const fs::path& output, DType to) {
    FloatConvertRequest request;
    request.model = model;
    request.output = output;
    request.conversion.to = to;
    return request;
}

}  // namespace

TEST_CASE("models whose Cast names its type cannot be converted, and say so") {
    const TemporaryFolder folder;
    const fs::path early =
        write_model(folder, R"(<ir_version: 3, opset_import: ["" : 5]> g (float[2] x) => (float[2] y) { y = Relu (x) })");
    CHECK_THROWS_WITH(convert_float_model(request_for(early, folder / "half.onnx", DType::Float16)),
                      contains_text("opset 5 cannot be upgraded"));
}

TEST_CASE("bodies go to float16 and back through files") {
    const TemporaryFolder folder;
    const fs::path original = write_model(folder, kBodies);
    const FloatReport there = convert_float_model(request_for(original, folder / "half.onnx", DType::Float16));
    CHECK(there.kept.size() == 1);  // Celu
    CHECK(there.after.cost.bytes_by_dtype.at("float16") == 18);
    CHECK_FALSE(there.after.cost.bytes_by_dtype.contains("float"));
    const FloatReport back = convert_float_model(request_for(folder / "half.onnx", folder / "back.onnx", DType::Float32));
    CHECK_FALSE(back.after.cost.bytes_by_dtype.contains("float16"));
    INFO(print(*load(folder / "back.onnx")->graph));
    CHECK_FALSE(back.after.cost.op_counts.contains("Cast"));
    const auto engine = make_reference_engine();
    const auto exact = load(original), half = load(folder / "half.onnx"), wide = load(folder / "back.onnx");
    for (const Value* output : half->graph->outputs()) CHECK(output->type().dtype == DType::Float32);
    const auto expected = run(*exact->graph, inputs_of_bodies(), *engine);
    CHECK(largest_difference(expected, run(*half->graph, inputs_of_bodies(), *engine)) < 5e-3);
    // The constants have been rounded once; nothing else is left of it.
    CHECK(largest_difference(expected, run(*wide->graph, inputs_of_bodies(), *engine)) < 1e-3);
    CHECK(convert_float_model(request_for(folder / "back.onnx", folder / "again.onnx", DType::Float16)).after.fingerprint ==
          there.after.fingerprint);
}

TEST_CASE("emulation gives what half kernels give") {
    const TemporaryFolder folder;
    convert_float_model(request_for(write_model(folder, kBodies), folder / "half.onnx", DType::Float16));
    const auto half = load(folder / "half.onnx");
    const auto reference = make_reference_engine(), fast = make_onednn_engine();
    const auto kernels = run(*half->graph, inputs_of_bodies(), *reference);
    CHECK(largest_difference(kernels, run(*emulate_half(*half->graph), inputs_of_bodies(), *reference)) == 0.0);
    // Sums of products may be added in another order: a rounding of half, at most.
    CHECK(largest_difference(kernels, run(*half->graph, inputs_of_bodies(), *fast)) < 2e-3);
}

TEST_CASE("limits on constants are kept or refused, by name") {
    const TemporaryFolder folder;
    const fs::path model = write_model(folder, R"(<ir_version: 8, opset_import: ["" : 13]>
g (float[2] x) => (float[2] y, float[2] z) {
  big = Constant <value = float[2] {70000.0, 1.0}> ()
  a = Mul (x, big)
  y = Tanh (a)
  z = Sigmoid (x)
})");
    FloatConvertRequest request = request_for(model, folder / "half.onnx", DType::Float16);
    const FloatReport report = convert_float_model(request);
    REQUIRE(report.kept.size() == 2);
    CHECK(report.kept[0].reason == "1 of 2 numbers of 'big' exceed 65504, the largest is 70000");
    CHECK(report.rounding.at("big").overflow == 1);
    request.unfit = UnfitConstants::Refuse;
    fs::remove(request.output);
    const FloatReport refused = convert_float_model(request);
    REQUIRE(refused.gates.gates.size() == 1);
    CHECK(refused.gates.gates[0].measured == 1.0);
    CHECK_FALSE(refused.gates.are_met());
    REQUIRE(refused.gates.worst.size() == 1);
    CHECK(refused.gates.worst[0].starts_with("constant 'big': of 2 numbers 1 would overflow"));
    CHECK_FALSE(fs::exists(request.output));
    request.conversion.max_overflow = 1;
    CHECK(convert_float_model(request).kept.empty());
}

TEST_CASE("the fewest values stay in float32 until a limit is met") {
    // b - c cancels: what float16 leaves of b is noise. The other branch is harmless.
    const TemporaryFolder folder;
    const fs::path model = write_model(folder, R"(<ir_version: 8, opset_import: ["" : 13]>
g (float[1,64] x) => (float[1,64] y) {
  far = Constant <value = float {2000.0}> ()
  b = Add (x, far)
  c = Sub (b, far)
  s = Sigmoid (x)
  t = Mul (s, x)
  y = Add (c, t)
})");
    std::mt19937 random(5);
    std::normal_distribution<float> normal;
    std::vector<float> values(8 * 64);
    for (float& value : values) value = normal(random);
    const auto data = make_array_dataset({{"x", "noise", Tensor::from_values<float>(Shape{8, 64}, values)}}, SampleAxis::Leading);
    FloatConvertRequest request = request_for(model, folder / "half.onnx", DType::Float16);
    request.data = data.get();
    const FloatReport plain = convert_float_model(request);
    REQUIRE(plain.fidelity);
    CHECK(plain.fidelity->worst_sqnr_db < 20.0);
    CHECK(plain.kept.empty());
    request.goal.min_sqnr = 50.0;
    const FloatReport report = convert_float_model(request);
    CHECK(report.fidelity->worst_sqnr_db >= 50.0);
    REQUIRE(report.kept.size() == 2);
    CHECK(report.kept[0].node == "b");
    CHECK(report.kept[1].node == "c");
    REQUIRE(report.gates.gates.size() == 1);
    CHECK(report.gates.are_met());
    CHECK(report.gates.gates[0].measured >= 50.0);
    request.goal.min_sqnr = 500.0;
    fs::remove(request.output);
    const FloatReport missed = convert_float_model(request);
    CHECK_FALSE(missed.gates.are_met());
    CHECK_FALSE(fs::exists(request.output));
    REQUIRE(missed.gates.worst.size() > 1);
    CHECK(missed.gates.worst[0].starts_with("constants, rounded alone: "));
    CHECK(missed.gates.worst[1].starts_with("b (Add), rounded alone: "));
    request.goal = {.min_sqnr = std::nullopt, .max_drop = 1.0};
    CHECK(convert_float_model(request).gates.are_met());
}

TEST_CASE("optimize leaves weights in the halves that they are stored in, and takes names away when asked to") {
    const TemporaryFolder folder;
    const auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 13]>
        g (float[2, 64] x) => (float[2, 64] y) { weight_in_float = Cast <to = 1> (x) y = MatMul (x, weight_in_float) })");
    Graph& graph = *model->graph;
    graph.set_input(graph.find_value("weight_in_float")->producer(), 0,
                    graph.add_constant("weight_in_halves", Tensor(DType::Float16, Shape{64, 64})));
    emit_model(*model, folder / "model.onnx");
    CHECK(optimize_model(folder / "model.onnx", folder / "optimized.onnx").after.bytes < 9000);
    CHECK(load_model(folder / "optimized.onnx")->graph->find_value("weight_in_halves"));
    optimize_model(folder / "model.onnx", folder / "stripped.onnx", {.inside = Inside::Strip});
    const auto stripped = load_model(folder / "stripped.onnx");
    CHECK(stripped->graph->find_value("a"));
    CHECK_FALSE(stripped->graph->find_value("weight_in_halves"));
}
