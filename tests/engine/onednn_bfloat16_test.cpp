// Float graphs computed in bfloat16: close to float32, and really in bfloat16.
#include <dnnl.hpp>

#include "catch.h"
#include "engine_pair.h"
#include "ops/infer.h"
#include "support/error.h"
#include "tensor/compare.h"

using namespace mcompress;

namespace {

bool has_bfloat16() {
    const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa()), wanted = static_cast<unsigned>(dnnl::cpu_isa::avx512_core);
    return (isa & wanted) == wanted;
}

struct Measured {
    double sqnr_db;
    int bf16_steps = 0, plain_steps = 0;
};

Measured measure(GraphMaker& maker) {
    infer_types(maker.graph());
    const std::vector<Tensor> inputs = maker.random_inputs();
    const auto exact = make_reference_engine()->compile(maker.graph(), {});
    CompileOptions options;
    options.compute = ComputeType::BFloat16;
    options.threads = 2;
    const auto plan = make_onednn_engine()->compile(maker.graph(), options);
    const std::vector<Tensor> expected = exact->run(inputs), found = plan->run(inputs);
    ErrorMeasure error;
    for (std::size_t at = 0; at < expected.size(); ++at) {
        REQUIRE(found[at].dtype() == expected[at].dtype());
        REQUIRE(found[at].shape() == expected[at].shape());
        error.add(to_floats(expected[at]), to_floats(found[at]));
    }
    REQUIRE(error.not_finite == 0);
    Measured measured{error.sqnr_db()};
    for (const StepInfo& step : plan->steps()) {
        measured.bf16_steps += step.precision.starts_with("bf16");
        measured.plain_steps += step.kernel.starts_with("plain");
    }
    return measured;
}

Attribute ints(const char* name, std::vector<std::int64_t> values) { return {name, std::move(values), {}}; }

}  // namespace

TEST_CASE("a residual block in bfloat16 is close to float32", "[onednn]") {
    if (!has_bfloat16()) {
        WARN("skipped: this processor has no AVX512");
        return;
    }
    GraphMaker maker;
    Value* x = maker.input("x", Shape{1, 16, 12, 12});
    Value* y = maker.add(
        "Relu", {maker.add("Conv", {x, maker.weights(Shape{32, 16, 3, 3}, 0.1F), maker.weights(Shape{32})}, {ints("pads", {1, 1, 1, 1})})});
    Value* z = maker.add("Conv", {y, maker.weights(Shape{32, 32, 1, 1}, 0.2F)});
    z = maker.add("Relu", {maker.add("Add", {z, y})});
    z = maker.add("MaxPool", {z}, {ints("kernel_shape", {2, 2}), ints("strides", {2, 2})});
    maker.output(maker.add("Concat", {z, maker.add("Sigmoid", {z})}, {{"axis", std::int64_t{1}, {}}}));
    maker.output(maker.add("Flatten", {maker.add("GlobalAveragePool", {z})}));
    const Measured measured = measure(maker);
    CHECK(measured.sqnr_db > 40.0);
    CHECK(measured.bf16_steps == 2);
    CHECK(measured.plain_steps == 0);
}

TEST_CASE("attention in bfloat16 is close to float32", "[onednn]") {
    if (!has_bfloat16()) {
        WARN("skipped: this processor has no AVX512");
        return;
    }
    GraphMaker maker;
    Value* x = maker.input("x", Shape{1, 8, 32});
    x = maker.add("LayerNormalization", {x, maker.weights(Shape{32}), maker.weights(Shape{32})});
    const auto heads = [&](std::vector<std::int64_t> order) {
        Value* projected = maker.add("Add", {maker.weights(Shape{32}), maker.add("MatMul", {x, maker.weights(Shape{32, 32}, 0.2F)})});
        const std::vector<std::int64_t> dims{1, 8, 2, 16};
        Value* split = maker.add("Reshape", {projected, maker.constant(Tensor::from_values(Shape{4}, dims))});
        return maker.add("Transpose", {split}, {ints("perm", std::move(order))});
    };
    Value* scores = maker.add("Softmax", {maker.add("MatMul", {heads({0, 2, 1, 3}), heads({0, 2, 3, 1})})});
    maker.output(maker.add("MatMul", {scores, heads({0, 2, 1, 3})}));
    const Measured measured = measure(maker);
    CHECK(measured.sqnr_db > 35.0);
    CHECK(measured.bf16_steps == 5);
    CHECK(measured.plain_steps == 0);
}

TEST_CASE("a quantized graph in bfloat16 keeps its codes", "[onednn][int8]") {
    if (!has_bfloat16()) {
        WARN("skipped: this processor has no AVX512");
        return;
    }
    GraphMaker maker;
    Value* x = maker.add("Conv", {maker.input("x", Shape{1, 8, 9, 9}), maker.weights(Shape{16, 8, 3, 3}, 0.1F)});
    Value* w = maker.quantized_weights(Shape{24, 16, 1, 1});
    Value* y = maker.add("Conv", {maker.dequantize(maker.quantize(x, 0.05F, 128), 0.05F, 128), w, maker.quantized_bias(w, 0.05F)});
    maker.output(y);
    CHECK(measure(maker).sqnr_db > 30.0);
}
