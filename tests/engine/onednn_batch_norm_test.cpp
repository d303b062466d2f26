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
