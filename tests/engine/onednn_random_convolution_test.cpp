// Convolutions of random sizes, windows and groups: some of oneDNN's implementations are wrong, slow or not there for some of them.
#include <algorithm>
#include <cmath>
#include <random>

#include "catch.h"
#include "engine_pair.h"

using namespace mcompress;

namespace {

using Ints = std::vector<std::int64_t>;

/// One convolution, perhaps on codes, with an activation behind it.
class RandomConvolution {
public:
    explicit RandomConvolution(unsigned seed) : maker(17, seed), random_(seed) {
        draw_channels();
        for (int axis = 0; axis < 2; ++axis) draw_axis();
        has_codes = pick(2) == 0;
        is_fitting = extents_[0] > 0 && extents_[1] > 0;
        if (is_fitting) build();
    }

    GraphMaker maker;
    std::string text;
    bool is_fitting = false, has_codes = false, gives_codes = false;

private:
    std::int64_t pick(std::int64_t count) { return static_cast<std::int64_t>(random_() % static_cast<unsigned>(count)); }

    void draw_channels() {
        groups_ = pick(3) == 0 ? 1 : 1 + pick(12);
        const std::int64_t in_group = 1 + pick(40);
        channels_ = groups_ * in_group;
        outputs_ = groups_ * (pick(2) == 0 ? in_group : 1 + pick(40));
        if (pick(5) > 0) return;
        groups_ = channels_;
        outputs_ = channels_ * (pick(3) == 0 ? 2 : 1);
    }

    /// The windows of an extent of 0 do not fit into it.
    void draw_axis() {
        const std::int64_t kernel = pick(3) == 0 ? 1 : pick(2) == 0 ? 3 : 1 + pick(5), dilation = pick(4) == 0 ? 2 : 1;
        const std::int64_t before = pick(kernel), after = pick(kernel), extent = 1 + pick(20);
        kernel_.push_back(kernel);
        dilations_.push_back(dilation);
        begin_.push_back(before);
        end_.push_back(after);
        extents_.push_back(extent + before + after >= (kernel - 1) * dilation + 1 ? extent : 0);
    }

    void build() {
        Value* x = maker.input("x", Shape{1 + pick(2), channels_, extents_[0], extents_[1]});
        const DType dtype = pick(3) == 0 ? DType::Int8 : DType::UInt8;
        const int zero_point = static_cast<int>(dtype == DType::Int8 ? pick(60) - 30 : pick(256));
        if (has_codes) x = maker.dequantize(maker.quantize(x, 0.05F, zero_point, dtype), 0.05F, zero_point, dtype);
        const Shape weights{outputs_, channels_ / groups_, kernel_[0], kernel_[1]};
        const float deviation = 1.0F / std::sqrt(static_cast<float>(channels_ / groups_ * kernel_[0] * kernel_[1]));
        std::vector<Value*> inputs{x, has_codes ? maker.quantized_weights(weights, deviation / 73.0F) : maker.weights(weights, deviation)};
        if (pick(2) == 0) inputs.push_back(has_codes ? maker.quantized_bias(inputs[1], 0.05F) : maker.weights(Shape{outputs_}));
        Ints pads = begin_;
        pads.insert(pads.end(), end_.begin(), end_.end());
        const std::int64_t stride = 1 + pick(2);
        Value* y =
            maker.add("Conv", inputs,
                      {{"group", groups_, {}}, {"pads", pads, {}}, {"strides", Ints{stride, stride}, {}}, {"dilations", dilations_, {}}});
        const std::int64_t behind = pick(4);
        if (behind == 0) y = maker.add("Relu", {y});
        if (behind == 1) y = maker.add("LeakyRelu", {y}, {{"alpha", 0.25F, {}}});
        if (behind == 2) y = maker.add("Sigmoid", {y});
        gives_codes = has_codes && pick(4) > 0;
        maker.output(gives_codes ? maker.quantize(y, 0.04F, 100) : y);
        text = weights.to_string() + " over " + x->type().to_string() + " in " + std::to_string(groups_) + " groups";
    }

    std::mt19937 random_;
    std::int64_t groups_ = 1, channels_ = 1, outputs_ = 1;
    Ints kernel_, dilations_, begin_, end_, extents_;
};

}  // namespace

TEST_CASE("random convolutions", "[onednn][int8]") {
    for (unsigned seed = 1; seed <= 500; ++seed) {
        RandomConvolution random(seed);
        if (!random.is_fitting) continue;
        INFO("seed " << seed << ": " << random.text);
        if (random.gives_codes) CHECK(code_difference(random.maker) <= 1);
        else CHECK(relative_difference(random.maker) < 2e-5);
    }
}

TEST_CASE("depthwise convolutions with several outputs a channel run on depthwise kernels", "[onednn][int8]") {
    for (const bool has_codes : {false, true}) {
        GraphMaker maker;
        Value* x = maker.input("x", Shape{2, 24, 14, 9});
        if (has_codes) x = maker.dequantize(maker.quantize(x, 0.05F, 120), 0.05F, 120);
        const Shape shape{72, 1, 3, 3};
        Value* y = maker.add("Conv", {x, has_codes ? maker.quantized_weights(shape) : maker.weights(shape)},
                             {{"group", std::int64_t{24}, {}}, {"pads", Ints{1, 1, 1, 1}, {}}});
        y = maker.add("Relu", {y});
        maker.output(has_codes ? maker.quantize(y, 0.05F, 3) : y);
        if (has_codes) CHECK(code_difference(maker) <= 1);
        else CHECK(relative_difference(maker) < 1e-5);
        const auto steps = steps_of(maker);
        CHECK(std::ranges::any_of(steps, [](const StepInfo& step) { return step.op == "Repeat"; }));
        for (const StepInfo& step : steps) CHECK(step.kernel.find("gemm") == std::string::npos);
    }
}

TEST_CASE("a sum behind a depthwise convolution of a single point", "[onednn]") {
    for (const std::int64_t channels : {16, 20, 33}) {
        GraphMaker maker;
        Value* x = maker.input("x", Shape{1, channels, 1, 1});
        Value* y =
            maker.add("Conv", {x, maker.weights(Shape{channels, 1, 3, 3})}, {{"group", channels, {}}, {"pads", Ints{1, 1, 1, 1}, {}}});
        maker.output(maker.add("Add", {y, maker.input("residual", Shape{1, channels, 1, 1})}));
        INFO(channels);
        CHECK(relative_difference(maker) < 1e-5);
    }
}
