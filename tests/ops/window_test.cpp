// Output sizes and pads of sliding windows.
#include "catch.h"
#include "ops/conv.h"
#include "ops/pool.h"
#include "ops/window_dims.h"
#include "support/error.h"

using namespace mcompress;

namespace {

WindowAttrs window(std::int64_t stride, std::int64_t dilation, std::vector<std::int64_t> pads, AutoPad auto_pad = AutoPad::NotSet,
                   WindowRounding rounding = WindowRounding::Floor) {
    return {auto_pad, {}, {stride}, {dilation}, std::move(pads), rounding};
}

std::int64_t output(const WindowAttrs& attrs, std::int64_t input, std::int64_t kernel) {
    return resolve_window_axis(attrs, 0, input, kernel).output;
}

// By definition: windows start at -pad_begin, in steps of stride, and must lie inside the padded input.
std::int64_t count_windows(std::int64_t input, std::int64_t kernel, std::int64_t stride, std::int64_t dilation, std::int64_t begin,
                           std::int64_t end) {
    std::int64_t count = 0;
    for (std::int64_t start = -begin; start + dilation * (kernel - 1) < input + end; start += stride) ++count;
    return count;
}

}  // namespace

TEST_CASE("window: floor mode counts the windows that fit") {
    for (std::int64_t input = 1; input <= 12; ++input)
        for (std::int64_t kernel = 1; kernel <= 4; ++kernel)
            for (std::int64_t stride = 1; stride <= 3; ++stride)
                for (std::int64_t dilation = 1; dilation <= 2; ++dilation)
                    for (std::int64_t pad = 0; pad <= 2; ++pad) {
                        INFO(input << " " << kernel << " " << stride << " " << dilation << " " << pad);
                        const auto attrs = window(stride, dilation, {pad, 1});
                        const std::int64_t expected = count_windows(input, kernel, stride, dilation, pad, 1);
                        if (expected == 0) CHECK_THROWS_AS(output(attrs, input, kernel), Error);
                        else CHECK(output(attrs, input, kernel) == expected);
                    }
}

TEST_CASE("window: ceil mode adds a partial window unless it starts in the end padding") {
    CHECK(output(window(2, 1, {}, AutoPad::NotSet, WindowRounding::Ceil), 4, 3) == 2);
    CHECK(output(window(2, 1, {}, AutoPad::NotSet, WindowRounding::Floor), 4, 3) == 1);
    // The third window would start at 4 - 0 >= 4.
    CHECK(output(window(2, 1, {0, 1}, AutoPad::NotSet, WindowRounding::Ceil), 4, 2) == 2);
    CHECK(output(window(3, 1, {1, 1}, AutoPad::NotSet, WindowRounding::Ceil), 5, 3) == 2);
}

TEST_CASE("window: SAME gives ceil(input / stride) and puts the odd pad where it says") {
    for (std::int64_t input = 1; input <= 9; ++input)
        for (std::int64_t stride = 1; stride <= 3; ++stride) {
            const WindowAxis upper = resolve_window_axis(window(stride, 1, {}, AutoPad::SameUpper), 0, input, 4);
            const WindowAxis lower = resolve_window_axis(window(stride, 1, {}, AutoPad::SameLower), 0, input, 4);
            CHECK(upper.output == (input + stride - 1) / stride);
            CHECK(upper.pad_begin <= upper.pad_end);
            CHECK(upper.pad_end - upper.pad_begin <= 1);
            CHECK(lower.pad_begin == upper.pad_end);
            CHECK(lower.pad_end == upper.pad_begin);
            CHECK(count_windows(input, 4, stride, 1, upper.pad_begin, upper.pad_end) == upper.output);
        }
    CHECK(resolve_window_axis(window(1, 1, {5, 5}, AutoPad::Valid), 0, 7, 3).output == 5);
}

TEST_CASE("window: transposed sizes invert the forward ones") {
    TransposedWindowAttrs attrs{window(2, 1, {1, 1}), {1}, {}};
    CHECK(resolve_transposed_window(attrs, {4}, {3})[0].output == 8);
    attrs.output_padding = {};
    CHECK(resolve_transposed_window(attrs, {4}, {3})[0].output == 7);
    attrs = {window(2, 1, {}, AutoPad::SameUpper), {}, {}};
    CHECK(resolve_transposed_window(attrs, {5}, {3})[0] == WindowAxis{3, 2, 1, 0, 1, 10});
    attrs = {window(3, 1, {}), {}, {10}};
    const WindowAxis given = resolve_transposed_window(attrs, {3}, {3})[0];
    CHECK(given.output == 10);  // more than the 9 that windows reach: the rest holds the bias alone
    CHECK(given.pad_begin + given.pad_end == 0);
}

TEST_CASE("window: what cannot be computed is refused") {
    CHECK_THROWS_AS(output(window(1, 1, {}), std::int64_t{1} << 63 >> 1, 3), Error);
    CHECK_THROWS_AS(output(window(1, 1, {}), -1, 3), Error);
    CHECK_THROWS_AS(output(window(1, 1, {}), 5, 0), Error);
    const TransposedWindowAttrs huge{window(std::int64_t{1} << 31, 1, {}), {}, {}};
    CHECK_THROWS_AS(resolve_transposed_window(huge, {std::int64_t{1} << 61}, {3}), Error);
    CHECK_THROWS_AS(resolve_window(window(1, 1, {}), {5, 5}, {3, 3}), Error);
}

TEST_CASE("window: symbols pass where the extent does not change") {
    const Dim width(std::string("W"));
    CHECK(window_dim(window(1, 1, {1, 1}), 0, width, 3) == width);
    CHECK(window_dim(window(1, 2, {2, 2}), 0, width, 3) == width);
    CHECK(window_dim(window(1, 1, {0, 0}), 0, width, 3) == Dim());
    CHECK(window_dim(window(2, 1, {1, 1}), 0, width, 3) == Dim());
    CHECK(window_dim(window(1, 1, {}, AutoPad::SameLower), 0, width, Dim()) == width);
    CHECK(window_dim(window(2, 1, {}, AutoPad::SameLower), 0, 7, Dim()) == Dim(4));
}

TEST_CASE("window: a convolution's channels and groups are checked") {
    ConvAttrs conv;
    conv.group = 2;
    CHECK(conv.geometry(Shape{1, 4, 8, 8}, Shape{6, 2, 3, 3}).size() == 2);
    CHECK_THROWS_AS(conv.geometry(Shape{1, 4, 8, 8}, Shape{6, 4, 3, 3}), Error);
    CHECK_THROWS_AS(conv.geometry(Shape{1, 4, 8, 8}, Shape{5, 2, 3, 3}), Error);
    CHECK_THROWS_AS(conv.geometry(Shape{1, 4, 8}, Shape{6, 2, 3, 3}), Error);
}
