// Half-precision graphs: computed with as float32, rounded after every step as the reference engine's kernels round.
#include <cmath>

#include "catch.h"
#include "engine/bind_inputs.h"
#include "engine_pair.h"
#include "ops/infer.h"
#include "tensor/compare.h"
#include "tensor/float16.h"

using namespace mcompress;

namespace {

constexpr std::int64_t kFloat16 = 10, kFloat = 1, kBFloat16 = 16;

Value* cast(GraphMaker& maker, Value* value, std::int64_t to) { return maker.add("Cast", {value}, {{"to", to, {}}}); }

bool has_plain_step(GraphMaker& maker) {
    for (const StepInfo& step : steps_of(maker))
        if (step.kernel.starts_with("plain:") && step.op != "Cast") return true;
    return false;
}

}  // namespace

TEST_CASE("half-precision networks run on oneDNN", "[onednn]") {
    for (const std::int64_t half : {kFloat16, kBFloat16}) {
        GraphMaker maker(22);  // the first opset whose convolutions take bfloat16
        const auto weights = [&](Shape shape) { return cast(maker, maker.weights(std::move(shape), 0.2F), half); };
        Value* x = cast(maker, maker.input("x", Shape{1, 16, 10, 10}), half);
        Value* y = maker.add("Relu", {maker.add("Conv", {x, weights(Shape{16, 16, 3, 3}), weights(Shape{16})},
                                                {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}, {}}})});
        y = maker.add("Add", {y, x});
        y = maker.add("MaxPool", {y}, {{"kernel_shape", std::vector<std::int64_t>{2, 2}, {}}});
        y = maker.add("Transpose", {y}, {{"perm", std::vector<std::int64_t>{0, 2, 3, 1}, {}}});
        maker.output(cast(maker, maker.add("MatMul", {y, weights(Shape{16, 8})}), kFloat));
        // Sums in another order may round to the neighbouring number of the type, and a few of those add up.
        CHECK(relative_difference(maker) < (half == kFloat16 ? 2e-3 : 2e-2));
        CHECK_FALSE(has_plain_step(maker));
    }
}

TEST_CASE("half-precision tensors go in, out and to the tap in their own type", "[onednn]") {
    GraphMaker maker;
    Value* x = maker.input("x", Shape{1, 4}, DType::Float16);
    Value* y = maker.add("Sigmoid", {x});
    maker.output(maker.add("Mul", {y, x}));
    infer_types(maker.graph());
    std::vector<Float16> numbers;
    for (const float value : {-1.5F, 0.25F, 3.0F, 1000.0F}) numbers.push_back(to_float16(value));
    const Tensor input = Tensor::from_values(Shape{1, 4}, numbers);
    CompileOptions options;
    options.tapped = {y};
    const auto reference = make_reference_engine()->compile(maker.graph(), options),
               plan = make_onednn_engine()->compile(maker.graph(), options);
    Tensor seen[2];
    const Tensor expected = reference->run(std::span(&input, 1), [&](const Value& value, const Tensor& tensor) {
        if (&value == y) seen[0] = tensor;
    })[0];
    const Tensor found = plan->run(std::span(&input, 1), [&](const Value& value, const Tensor& tensor) {
        if (&value == y) seen[1] = tensor;
    })[0];
    REQUIRE(found.dtype() == DType::Float16);
    REQUIRE(seen[1].dtype() == DType::Float16);
    for (const auto& [a, b] : {std::pair(expected, found), std::pair(seen[0], seen[1])}) {
        const std::vector<float> before = to_floats(a), after = to_floats(b);
        for (std::size_t at = 0; at < before.size(); ++at) CHECK(after[at] == Approx(before[at]).epsilon(1e-3));
    }
}

TEST_CASE("what half precision cannot hold is infinite before the next step", "[onednn]") {
    GraphMaker maker;
    Value* x = maker.input("x", Shape{1, 8}, DType::Float16);
    Value* large = maker.add("Mul", {x, x});  // 300 * 300 lies beyond 65504
    maker.output(maker.add("Div", {large, x}));
    infer_types(maker.graph());
    const Tensor input = Tensor::from_values(Shape{1, 8}, std::vector<Float16>(8, to_float16(300.0F)));
    for (const float value : to_floats(make_onednn_engine()->compile(maker.graph(), {})->run(std::span(&input, 1))[0]))
        CHECK(std::isinf(value));
}
