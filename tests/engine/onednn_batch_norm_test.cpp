// Batch normalization behind a convolution goes into its weights and bias when a plan is compiled.
#include "catch.h"
#include "engine_pair.h"
#include "ops/infer.h"

using namespace mcompress;

namespace {

Value* normalize(GraphMaker& maker, Value* x, std::int64_t channels) {
    const Tensor variance = Tensor::from_values(Shape{channels}, std::vector<float>(static_cast<std::size_t>(channels), 0.7F));
    return maker.add("BatchNormalization", {x, maker.weights(Shape{channels}), maker.weights(Shape{channels}),
                                            maker.weights(Shape{channels}), maker.constant(variance)});
}

int steps_called(GraphMaker& maker, const std::string& op) {
    int count = 0;
    for (const StepInfo& step : steps_of(maker)) count += step.op == op ? 1 : 0;
    return count;
}

}  // namespace

TEST_CASE("batch normalization runs inside of a convolution", "[onednn]") {
    for (const bool has_bias : {false, true}) {
        GraphMaker maker;
        std::vector<Value*> inputs{maker.input("x", Shape{2, 8, 9, 9}), maker.weights(Shape{12, 8, 3, 3})};
        if (has_bias) inputs.push_back(maker.weights(Shape{12}));
        maker.output(maker.add("Relu", {normalize(maker, maker.add("Conv", inputs), 12)}));
        CHECK(relative_difference(maker) < 1e-5);
        CHECK(steps_called(maker, "Conv+BatchNormalization+Relu") == 1);
    }
}

TEST_CASE("batch normalization runs inside of transposed and grouped convolutions", "[onednn]") {
    for (const std::int64_t group : {1, 3})
        for (const std::string op : {"Conv", "ConvTranspose"}) {
            CAPTURE(group, op);
            GraphMaker maker;
            Value* x = maker.input("x", Shape{1, 6, 7, 7});
            // [M, C/G, …] and [C, M/G, …], with 12 output channels.
            Value* weights = op == "Conv" ? maker.weights(Shape{12, 6 / group, 3, 3}) : maker.weights(Shape{6, 12 / group, 3, 3});
            maker.output(normalize(maker, maker.add(op, {x, weights}, {{"group", group, {}}}), 12));
            CHECK(relative_difference(maker) < 1e-5);
            CHECK(steps_called(maker, op + "+BatchNormalization") == 1);
        }
}

TEST_CASE("batch normalization stays a step where another reader wants the convolution's result", "[onednn]") {
    GraphMaker maker;
    Value* y = maker.add("Conv", {maker.input("x", Shape{1, 8, 5, 5}), maker.weights(Shape{8, 8, 3, 3})});
    maker.output(normalize(maker, y, 8));
    maker.output(maker.add("Neg", {y}));
    CHECK(relative_difference(maker) < 1e-5);
    CHECK(steps_called(maker, "Conv") + steps_called(maker, "Conv+Neg") == 1);
    CHECK(steps_called(maker, "BatchNormalization") == 1);
}

TEST_CASE("batch normalization and factors a channel of every layout", "[onednn]") {
    for (const std::int64_t batch : {1, 2, 3})
        for (const std::int64_t channels : {1, 10, 16, 20})
            for (const std::int64_t points : {0, 1, 2, 5}) {
                CAPTURE(batch, channels, points);  // 0: a matrix
                const Shape shape = points == 0 ? Shape{batch, channels} : Shape{batch, channels, points, points};
                const Shape each = points == 0 ? Shape{1, channels} : Shape{1, channels, 1, 1};
                GraphMaker norm, product, sum;
                norm.output(normalize(norm, norm.input("x", shape), channels));
                CHECK(relative_difference(norm) < 1e-5);
                product.output(product.add("Mul", {product.input("x", shape), product.weights(each)}));
                CHECK(relative_difference(product) < 1e-5);
                sum.output(sum.add("Add", {sum.weights(each), sum.add("Mul", {sum.input("x", shape), sum.input("y", each)})}));
                CHECK(relative_difference(sum) < 1e-5);
            }
}
