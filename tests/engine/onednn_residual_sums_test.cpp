// Sums inside of quantized products give the codes that the two steps give one after the other, bit for bit.
#include <algorithm>
#include <random>

#include "catch.h"
#include "engine/onednn/quantized_product.h"
#include "engine_pair.h"
#include "ops/infer.h"

using namespace mcompress;

namespace {

using Ints = std::vector<std::int64_t>;

enum class Place { First, Second };

/// Codes → product → codes, plus other codes.
class RandomSum {
public:
    explicit RandomSum(unsigned seed, Place of_product = Place::Second) : maker(17, seed), random_(seed) {
        const Drawn source = draw(), product = draw(), other = draw(), result = draw();
        Value* y = pick(5) == 0 ? matrix_product(source) : convolution(source);
        if (pick(4) == 0) y = maker.add(pick(2) == 0 ? "Relu" : "LeakyRelu", {y});
        codes = maker.quantize(y, product.scale, product.zero_point, product.dtype);
        Value* theirs = quantized("r", result_shape_, other);
        Value* ours = maker.dequantize(codes, product.scale, product.zero_point, product.dtype);
        Value* sum = of_product == Place::Second ? maker.add("Add", {theirs, ours}) : maker.add("Add", {ours, theirs});
        if (pick(3) == 0) sum = maker.add("Relu", {sum});
        maker.output(maker.quantize(sum, result.scale, result.zero_point, result.dtype));
        infer_types(maker.graph());
    }

    GraphMaker maker;
    Value* codes = nullptr;  // of the product

private:
    struct Drawn {
        float scale;
        int zero_point;
        DType dtype;
    };

    std::int64_t pick(std::int64_t count) { return static_cast<std::int64_t>(random_() % static_cast<unsigned>(count)); }

    Drawn draw() {
        const DType dtype = pick(3) == 0 ? DType::Int8 : DType::UInt8;
        const int zero_point = pick(3) == 0 ? 0 : static_cast<int>(dtype == DType::Int8 ? pick(256) - 128 : pick(256));
        return {0.01F + 0.05F * static_cast<float>(random_()) / 4294967296.0F, zero_point, dtype};
    }

    Value* quantized(const std::string& name, const Shape& shape, const Drawn& drawn) {
        Value* quantizer = maker.quantize(maker.input(name, shape), drawn.scale, drawn.zero_point, drawn.dtype);
        return maker.dequantize(quantizer, drawn.scale, drawn.zero_point, drawn.dtype);
    }

    Value* matrix_product(const Drawn& source) {
        const std::int64_t rows = 1 + pick(40), inner = 1 + pick(90), outputs = 1 + pick(90);
        result_shape_ = Shape{rows, outputs};
        Value* w = maker.quantized_weights(Shape{outputs, inner});
        return maker.add("Gemm", {quantized("x", Shape{rows, inner}, source), w, maker.quantized_bias(w, source.scale)},
                         {{"transB", 1, {}}});
    }

    Value* convolution(const Drawn& source) {
        const std::int64_t groups = pick(3) == 0 ? 1 + pick(20) : 1, in_group = groups > 1 && pick(2) == 0 ? 1 : 1 + pick(70);
        const std::int64_t out_group = in_group == 1 ? 1 : 1 + pick(70), kernel = pick(2) == 0 ? 1 : 3;
        const std::size_t axes = pick(4) == 0 ? 1 : 2;
        std::vector<std::int64_t> in{1 + pick(2), groups * in_group}, w{groups * out_group, in_group};
        for (std::size_t axis = 0; axis < axes; ++axis) {
            in.push_back(1 + pick(16));
            w.push_back(kernel);
        }
        result_shape_ = Shape(in);
        result_shape_[1] = groups * out_group;
        Value* weights = maker.quantized_weights(Shape(w));
        std::vector<Value*> inputs{quantized("x", Shape(in), source), weights};
        if (pick(3) > 0) inputs.push_back(maker.quantized_bias(weights, source.scale));
        return maker.add("Conv", inputs, {{"group", groups, {}}, {"pads", Ints(2 * axes, kernel / 2), {}}});
    }

    std::mt19937 random_;
    Shape result_shape_{1};
};

std::vector<Tensor> results(RandomSum& sum, const std::vector<Tensor>& inputs, const CompileOptions& options) {
    const auto plan = make_onednn_engine()->compile(sum.maker.graph(), options);
    plan->run(inputs);
    return plan->run(inputs);
}

/// One step for the product and the sum.
bool is_one_step(RandomSum& sum) {
    const auto steps = steps_of(sum.maker);
    return std::any_of(steps.begin(), steps.end(), [](const StepInfo& step) {
        return step.op.find("+Add") != std::string::npos && (step.op.starts_with("Conv") || step.op.starts_with("Gemm"));
    });
}

}  // namespace

TEST_CASE("a sum inside of a quantized product gives the codes of two steps", "[onednn][int8]") {
    int together = 0;
    for (unsigned seed = 1; seed <= 400; ++seed) {
        CAPTURE(seed);
        RandomSum sum(seed);
        CompileOptions apart;  // a product whose codes are wanted is a step of its own
        apart.tapped = {sum.codes};
        const std::vector<Tensor> inputs = sum.maker.random_inputs();
        CHECK(results(sum, inputs, {})[0].equals(results(sum, inputs, apart)[0]));
        CHECK(code_difference(sum.maker) <= 2);
        together += is_one_step(sum) ? 1 : 0;
    }
    if (onednn::has_byte_products()) CHECK(together > 200);
}

TEST_CASE("a sum of codes whose scales are too far apart for one formula is computed in float", "[onednn][int8]") {
    const Shape shape{1, 8, 5, 5};
    for (const float huge : {1e30F, 3e38F}) {
        GraphMaker maker;
        Value* x = maker.dequantize(maker.input("x", shape, DType::UInt8), huge, 128);
        Value* y = maker.dequantize(maker.input("y", shape, DType::UInt8), 0.5F, 128);
        maker.output(maker.quantize(maker.add("Add", {x, y}), 1e-20F, 3));
        CAPTURE(huge);
        CHECK(code_difference(maker) == 0);
    }
}

TEST_CASE("a product is not taken into a sum that has it first, or whose other operand is still needed", "[onednn][int8]") {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        RandomSum first(seed, Place::First);
        CHECK_FALSE(is_one_step(first));
        RandomSum needed(seed);
        const Node* add = nullptr;
        for (const Node* node : needed.maker.graph().order())
            if (node->is("Add")) add = node;
        REQUIRE(add);
        needed.maker.output(add->input(0)->producer()->input(0));
        infer_types(needed.maker.graph());
        CHECK_FALSE(is_one_step(needed));
        CHECK(code_difference(needed.maker) <= 2);
    }
}
