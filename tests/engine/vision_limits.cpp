// The same kernels on what is not an ordinary image: empty tensors, numbers that are none, indices outside, other element types, threads.
#include <algorithm>
#include <cmath>

#include "catch.h"
#include "fixtures/onnx_case.h"
#include "single_node.h"
#include "support/error.h"
#include "tensor/compare.h"
#include "tensor/float16.h"

using namespace mcompress;
using namespace mcompress::test;

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Call {
    std::string type;
    int opset;
    std::vector<Tensor> inputs;
    std::vector<Attribute> attributes = {};
    std::size_t outputs = 1;
    int threads = 1;
};

std::vector<Tensor> apply(const Call& call) {
    return run_node({.type = call.type,
                     .inputs = call.inputs,
                     .attributes = call.attributes,
                     .opset = call.opset,
                     .outputs = call.outputs,
                     .threads = call.threads});
}

void check(const Call& call, const Tensor& expected) {
    INFO(call.type << " of opset " << call.opset);
    CHECK(difference(apply(call)[0], expected, 1e-5, 1e-5) == "");
}

Attribute list(const char* name, std::vector<std::int64_t> value) { return attribute(name, std::move(value)); }
Attribute text(const char* name, std::string value) { return attribute(name, std::move(value)); }

/// Values without order, of both signs and exact in float.
Tensor wave(Shape shape, float divisor = 16.0f) {
    Tensor result(DType::Float32, std::move(shape));
    for (std::int64_t i = 0; i < result.element_count(); ++i)
        result.mutable_data<float>()[i] = static_cast<float>((37 * i + 11) % 101 - 50) / divisor;
    return result;
}

Tensor half(const Tensor& floats) {
    Tensor result(DType::Float16, floats.shape());
    for (std::int64_t i = 0; i < floats.element_count(); ++i) result.mutable_data<Float16>()[i] = to_float16(floats.data<float>()[i]);
    return result;
}

Tensor integers(std::initializer_list<std::int64_t> values) {
    return Tensor::from_values<std::int64_t>(Shape{static_cast<std::int64_t>(values.size())}, values);
}

void check_refused(const Call& call) {
    INFO(call.type);
    CHECK_THROWS_AS(apply(call), Error);
}

}  // namespace

TEST_CASE("GridSample: what lies outside or is no number") {
    const Tensor x = tensor<float>({1, 1, 1, 3}, {1, 2, 3});
    const Tensor grid = tensor<float>({1, 1, 4, 2}, {kNaN, 0, kInfinity, 0, -1e30f, 0, 1e30f, 0});
    check({"GridSample", 20, {x, grid}}, {tensor<float>({1, 1, 1, 4}, {0, 0, 0, 0})});
    check({"GridSample", 20, {x, grid}, {text("padding_mode", "border")}}, {tensor<float>({1, 1, 1, 4}, {1, 3, 1, 3})});
    check({"GridSample", 20, {x, grid}, {text("padding_mode", "border"), text("mode", "cubic")}},
          {tensor<float>({1, 1, 1, 4}, {1, 3, 1, 3})});
    for (const float value : to_floats(apply({"GridSample", 20, {x, grid}, {text("padding_mode", "reflection")}})[0]))
        CHECK((value >= 1.0f && value <= 3.0f));
    check_refused({"GridSample", 20, {x, wave({1, 1, 4, 3})}});
    check_refused({"GridSample", 20, {Tensor(DType::Float32, {1, 1, 0, 3}), wave({1, 1, 1, 2})}});
    CHECK(apply({"GridSample", 20, {Tensor(DType::Float32, {0, 1, 2, 2}), Tensor(DType::Float32, {0, 3, 1, 2})}})[0].shape() ==
          Shape{0, 1, 3, 1});
}

TEST_CASE("GridSample: the output has the input's type whatever the grid's") {
    const Tensor x = wave({1, 1, 2, 2}), grid = wave({1, 1, 2, 2}, 64);
    CHECK(apply({"GridSample", 22, {x, half(grid)}})[0].dtype() == DType::Float32);
    CHECK(apply({"GridSample", 22, {half(x), grid}})[0].dtype() == DType::Float16);
    const Tensor bytes = tensor<std::uint8_t>({1, 1, 1, 2}, {250, 255});
    check({"GridSample", 20, {bytes, tensor<float>({1, 1, 1, 2}, {0.25f, 0})}}, {tensor<std::uint8_t>({1, 1, 1, 1}, {253})});
}

TEST_CASE("the number of threads changes nothing") {
    const Tensor x = wave({1, 8, 40, 40}), grid = wave({1, 60, 60, 2}, 50);
    const auto equal = [](Call node) {
        const auto one = apply(node);
        node.threads = 4;
        return one[0].equals(apply(node)[0]);
    };
    CHECK(equal({"GridSample", 20, {x, grid}, {text("mode", "cubic")}}));
    CHECK(equal({"Resize", 19, {x, {}, tensor<float>({4}, {1, 1, 2.5f, 0.75f})}, {text("mode", "linear")}}));
    CHECK(equal({"Resize", 19, {x, {}, tensor<float>({4}, {1, 1, 3, 3})}}));
    CHECK(equal({"DeformConv", 19, {x, wave({8, 8, 3, 3}), wave({1, 18, 38, 38})}}));
    CHECK(equal({"RoiAlign",
                 16,
                 {x, tensor<float>({2, 4}, {0, 0, 30, 30, 5, 5, 20, 39}), integers({0, 0})},
                 {integer("output_height", 40), integer("output_width", 40)}}));
}

TEST_CASE("regions of interest: outside, reversed, endless, of images that are not there") {
    const Tensor x = wave({1, 1, 4, 4});
    const auto align = [&](std::initializer_list<float> region) {
        return to_floats(apply({"RoiAlign", 16, {x, tensor<float>({1, 4}, region), integers({0})}})[0]);
    };
    CHECK(align({kNaN, 0, 3, 3}) == std::vector<float>{0});
    CHECK(align({-1e30f, -1e30f, 1e30f, 1e30f}) == std::vector<float>{0});
    CHECK(align({3, 3, 0, 0}) == std::vector<float>{0});
    CHECK(align({100, 100, 200, 200}) == std::vector<float>{0});
    CHECK(align({-1e8f, -1e8f, 1e8f, 1e8f})[0] == Approx(0.0).margin(1e-6));
    check_refused({"RoiAlign", 16, {x, wave({1, 4}), integers({1})}});
    check_refused({"RoiAlign", 16, {x, wave({1, 4}), integers({-1})}});
    check_refused({"RoiAlign", 16, {x, wave({1, 4}), integers({0})}, {integer("output_height", std::int64_t{1} << 40)}});
    check({"MaxRoiPool", 1, {x, tensor<float>({1, 5}, {0, kNaN, 1e30f, kInfinity, 1e38f})}, {list("pooled_shape", {1, 1})}},
          {tensor<float>({1, 1, 1, 1}, {0})});
    check_refused({"MaxRoiPool", 1, {x, tensor<float>({1, 5}, {1, 0, 0, 1, 1})}, {list("pooled_shape", {1, 1})}});
    check_refused({"MaxRoiPool", 1, {x, tensor<float>({1, 5}, {kNaN, 0, 0, 1, 1})}, {list("pooled_shape", {1, 1})}});
}

TEST_CASE("NonMaxSuppression: order, ties, limits, scores that are no numbers") {
    const Tensor boxes = tensor<float>({1, 3, 4}, {0, 0, 1, 1, 0, 0.1f, 1, 1.1f, 0, 5, 1, 6});
    const Tensor scores = tensor<float>({1, 1, 3}, {0.5f, 0.5f, kNaN}), most = integers({9}), overlap = Tensor::scalar(0.5f);
    check({"NonMaxSuppression", 11, {boxes, scores, most, overlap}}, {tensor<std::int64_t>({1, 3}, {0, 0, 0})});
    check({"NonMaxSuppression", 11, {boxes, scores, most, Tensor::scalar(1.0f)}}, {tensor<std::int64_t>({2, 3}, {0, 0, 0, 0, 0, 1})});
    CHECK(apply({"NonMaxSuppression", 11, {boxes, scores}})[0].shape() == Shape{0, 3});
    CHECK(apply({"NonMaxSuppression", 11, {boxes, scores, integers({INT64_MIN}), overlap}})[0].shape() == Shape{0, 3});
    CHECK(apply({"NonMaxSuppression", 11, {Tensor(DType::Float32, {1, 0, 4}), Tensor(DType::Float32, {1, 2, 0}), most}})[0].shape() ==
          Shape{0, 3});
    check_refused({"NonMaxSuppression", 11, {boxes, scores, most, Tensor::scalar(kNaN)}});
    check_refused({"NonMaxSuppression", 11, {boxes, tensor<float>({1, 1, 2}, {1, 2}), most}});
}

TEST_CASE("MaxUnpool undoes MaxPool in the shape that is given, and refuses indices outside") {
    const Tensor x = wave({1, 1, 5, 5});
    const std::vector<Attribute> window{list("kernel_shape", {2, 2}), list("strides", {2, 2})};
    const auto pooled = apply({"MaxPool", 12, {x}, window, 2});
    const Tensor back = apply({"MaxUnpool", 11, {pooled[0], pooled[1], integers({1, 1, 5, 5})}, window})[0];
    for (std::int64_t i = 0; i < pooled[1].element_count(); ++i)
        CHECK(back.data<float>()[pooled[1].data<std::int64_t>()[i]] == pooled[0].data<float>()[i]);
    check_refused({"MaxUnpool", 11, {wave({1, 1, 1, 1}), tensor<std::int64_t>({1, 1, 1, 1}, {4})}, window});
    check_refused({"MaxUnpool", 11, {wave({1, 1, 1, 1}), tensor<std::int64_t>({1, 1, 1, 1}, {-1})}, window});
    check_refused({"MaxUnpool", 11, {wave({1, 1, 1, 1}), tensor<std::int64_t>({1, 1, 1, 1}, {0}), integers({1, 1, -2, 2})}, window});
}

TEST_CASE("Col2Im sums what its windows would have seen, along any number of axes") {
    // Along one axis, by hand: blocks of two taps, two apart, at the places 0 and 1.
    check({"Col2Im", 18, {tensor<float>({1, 2, 2}, {1, 2, 10, 20}), integers({4}), integers({2})}, {list("dilations", {2})}},
          {tensor<float>({1, 1, 4}, {1, 2, 10, 20})});
    check({"Col2Im", 18, {tensor<float>({1, 2, 2}, {1, 2, 10, 20}), integers({3}), integers({2})}},
          {tensor<float>({1, 1, 3}, {1, 12, 20})});
    check({"Col2Im", 18, {tensor<std::int32_t>({1, 1, 8}, {1, 2, 3, 4, 5, 6, 7, 8}), integers({2, 2, 2}), integers({1, 1, 1})}},
          {tensor<std::int32_t>({1, 1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8})});
    check_refused({"Col2Im", 18, {wave({1, 2, 2}), integers({4}), integers({2})}});
    check_refused({"Col2Im", 18, {wave({1, 2, 2}), integers({4}), integers({0})}});
    check_refused({"Col2Im", 18, {wave({1, 2, 2}), integers({INT64_MAX}), integers({2})}, {list("strides", {INT32_MAX})}});
}

TEST_CASE("Unique: texts, NaN, nothing at all") {
    const Tensor texts = Tensor::from_strings({4}, {"b", "a", "b", "c"});
    const auto found = apply({"Unique", 11, {texts}, {}, 4});
    CHECK(found[0].strings() == std::vector<std::string>{"a", "b", "c"});
    CHECK(found[2].equals(integers({1, 0, 1, 2})));
    CHECK(apply({"Unique", 11, {texts}, {integer("sorted", 0)}})[0].strings() == std::vector<std::string>{"b", "a", "c"});
    check({"Unique", 11, {tensor<float>({4}, {kNaN, 1, kNaN, -0.0f})}}, {tensor<float>({3}, {0, 1, kNaN})});
    CHECK(apply({"Unique", 11, {Tensor(DType::Float32, {0})}, {}, 4})[3].shape() == Shape{0});
    check_refused({"Unique", 11, {wave({2, 2})}, {integer("axis", 2)}});
}

TEST_CASE("losses refuse labels outside and take ignored ones") {
    const Tensor scores = wave({2, 3});
    check_refused({"NegativeLogLikelihoodLoss", 13, {scores, integers({0, 3})}});
    check_refused({"SoftmaxCrossEntropyLoss", 13, {scores, integers({0, -1})}});
    check_refused({"SoftmaxCrossEntropyLoss", 13, {scores, integers({0})}});
    check({"NegativeLogLikelihoodLoss", 13, {scores, integers({7, 7})}, {integer("ignore_index", 7), text("reduction", "sum")}},
          {Tensor::scalar(0.0f)});
    CHECK(apply({"SoftmaxCrossEntropyLoss", 13, {half(scores), integers({0, 1})}, {}, 2})[1].dtype() == DType::Float16);
}

TEST_CASE("Dropout in training mode drops a part and scales the rest; the seed decides which") {
    Tensor ones(DType::Float32, {10000});
    std::fill_n(ones.mutable_data<float>(), 10000, 1.0f);
    const Call node{"Dropout", 13, {ones, Tensor::scalar(0.25f), Tensor::scalar(true)}, {integer("seed", 3)}, 2};
    const auto y = apply(node);
    std::int64_t kept = 0;
    for (std::int64_t i = 0; i < 10000; ++i) {
        kept += y[1].data<bool>()[i];
        CHECK(y[0].data<float>()[i] == (y[1].data<bool>()[i] ? 1.0f / 0.75f : 0.0f));
    }
    CHECK(std::abs(kept - 7500) < 200);
    CHECK(apply(node)[1].equals(y[1]));
    Call other = node;
    other.attributes = {integer("seed", 4)};
    CHECK(!apply(other)[1].equals(y[1]));
    check_refused({"Dropout", 13, {ones, Tensor::scalar(1.0f), Tensor::scalar(true)}});
    check_refused({"Dropout", 13, {ones, Tensor::scalar(kNaN), Tensor::scalar(true)}});
    CHECK(apply({"Dropout", 13, {half(ones), Tensor::scalar(0.25f), Tensor::scalar(true)}})[0].dtype() == DType::Float16);
}

TEST_CASE("Resize moves any type, keeps integers in range and refuses nonsense") {
    const Tensor twice = tensor<float>({2}, {1, 2});
    CHECK(apply({"Resize", 19, {Tensor::from_strings({1, 2}, {"a", "b"}), {}, twice}})[0].strings() ==
          std::vector<std::string>{"a", "a", "b", "b"});
    check({"Resize", 19, {tensor<bool>({1, 2}, {true, false}), {}, twice}}, {tensor<bool>({1, 4}, {true, true, false, false})});
    const Tensor edge = tensor<std::uint8_t>({1, 4}, {0, 255, 255, 0});
    // Under- and overshoots saturate instead of wrapping.
    const Tensor curve = apply({"Resize", 19, {edge, {}, twice}, {text("mode", "cubic")}})[0];
    for (const auto& [at, value] : {std::pair{0, 0}, {3, 255}, {4, 255}, {7, 0}}) CHECK(curve.data<std::uint8_t>()[at] == value);
    CHECK(apply({"Resize", 19, {half(wave({1, 2})), {}, twice}, {text("mode", "linear")}})[0].dtype() == DType::Float16);
    check_refused({"Resize", 19, {wave({1, 2}), {}, tensor<float>({2}, {1, kNaN})}});
    check_refused({"Resize", 19, {wave({1, 2}), {}, tensor<float>({2}, {1, -1})}});
    check_refused({"Resize", 19, {wave({1, 2}), {}, tensor<float>({2}, {1, 1e30f})}});
    check_refused({"Resize", 19, {Tensor(DType::Float32, {1, 0}), {}, {}, integers({1, 3})}});
    CHECK(apply({"Resize", 19, {wave({1, 2}), {}, tensor<float>({2}, {1, 0.1f})}, {text("mode", "linear")}})[0].shape() == Shape{1, 0});
}

TEST_CASE("BatchNormalization in training mode gives every statistic its own type, and the old outputs too") {
    const Tensor x = wave({2, 1, 2}), one = tensor<float>({1}, {1});
    const auto mixed = apply({"BatchNormalization", 15, {half(x), half(one), half(one), one, one}, {integer("training_mode", 1)}, 3});
    CHECK(mixed[0].dtype() == DType::Float16);
    CHECK(mixed[1].dtype() == DType::Float32);
    const auto old = apply({"BatchNormalization", 9, {x, one, one, one, one}, {}, 5});
    double mean = 0.0;
    for (const float value : x.values<float>()) mean += static_cast<double>(value) / 4.0;
    CHECK(static_cast<double>(old[3].data<float>()[0]) == Approx(mean));
    CHECK(static_cast<double>(old[1].data<float>()[0]) == Approx(0.9 + 0.1 * mean));
}

TEST_CASE("indexing and layout of extreme settings") {
    const auto eye = [](std::int64_t k) { return apply({"EyeLike", 22, {wave({2, 2})}, {integer("k", k)}})[0]; };
    CHECK(eye(INT64_MAX).equals(Tensor(DType::Float32, {2, 2})));
    CHECK(eye(INT64_MIN).equals(Tensor(DType::Float32, {2, 2})));
    CHECK(apply({"EyeLike", 22, {wave({1, 1})}, {integer("dtype", 10)}})[0].equals(half(tensor<float>({1, 1}, {1}))));
    check({"EyeLike", 22, {wave({1, 1})}, {integer("dtype", 9)}}, {tensor<bool>({1, 1}, {true})});
    check_refused({"ReverseSequence", 10, {wave({2, 2}), integers({1, 1})}, {integer("batch_axis", 5), integer("time_axis", -4)}});
    check_refused({"ReverseSequence", 10, {wave({2, 2}), integers({1, 3})}});
    check_refused({"CenterCropPad", 18, {wave({2, 2}), integers({1, -1})}});
    check_refused({"CenterCropPad", 18, {wave({2, 2}), integers({1, INT64_MAX})}});
    CHECK(apply({"CenterCropPad", 18, {Tensor::from_strings({1}, {"a"}), integers({3})}})[0].strings() ==
          std::vector<std::string>{"", "a", ""});
    check_refused({"Det", 11, {wave({2, 3})}});
    check({"Det", 11, {Tensor(DType::Float32, {2, 0, 0})}}, {tensor<float>({2}, {1, 1})});
    check_refused({"DeformConv", 19, {wave({1, 1, 3, 3}), wave({1, 1, 2, 2}), wave({1, 8, 1, 2})}});
    const Tensor specials = Tensor::from_bytes(DType::Float8E5M2, {3}, std::as_bytes(std::span("\x7C\x7D\x3C", 3)));
    check({"IsInf", 20, {specials}}, {tensor<bool>({3}, {true, false, false})});
    check({"IsNaN", 20, {specials}}, {tensor<bool>({3}, {false, true, false})});
}
