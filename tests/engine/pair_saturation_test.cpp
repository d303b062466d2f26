// The emulation of 16-bit sums against a kernel that adds every pair with the arithmetic of VPMADDUBSW, in the order ONNX Runtime packs.
#include <algorithm>
#include <random>

#include "catch.h"
#include "engine/reference/kernel.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "quant/saturation.h"

using namespace mcompress;

namespace {

struct Case {
    std::int64_t channels, size, filters, kernel, group, stride, pad, dilation;
};

Tensor random_bytes(DType dtype, Shape shape, std::uint32_t seed, int low, int high) {
    std::mt19937 random(seed);
    Tensor tensor = Tensor::uninitialized(dtype, std::move(shape));
    std::byte* to = tensor.mutable_bytes();
    for (std::int64_t at = 0; at < tensor.element_count(); ++at)
        to[at] = static_cast<std::byte>(low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1)));
    return tensor;
}

int value_of(const Tensor& tensor, std::int64_t at) {
    return tensor.dtype() == DType::UInt8 ? tensor.data<std::uint8_t>()[at] : tensor.data<std::int8_t>()[at];
}

/// Saturated less exact sum of products of unsigned activation codes with weights, two at a time.
int change_of(const std::vector<int>& activations, const std::vector<int>& weights) {
    int change = 0;
    for (std::size_t k = 0; k + 1 < weights.size(); k += 2) {
        const int a = activations[k], b = activations[k + 1], p = weights[k], q = weights[k + 1];
        change += saturating_pair_sum(a, p, b, q) - (a * p + b * q);
    }
    return change;
}

/// Output by output: channels innermost, in one row over the whole window, the zero point outside of the input.
std::vector<int> expected_changes(const Case& c, const Tensor& x, const Tensor& w, int zero, std::int64_t out) {
    const int lift = x.dtype() == DType::Int8 ? 128 : 0;
    const std::int64_t inputs = c.channels / c.group, outputs = c.filters / c.group;
    std::vector<int> changes;
    for (std::int64_t m = 0; m < c.filters; ++m)
        for (std::int64_t oy = 0; oy < out; ++oy)
            for (std::int64_t ox = 0; ox < out; ++ox) {
                std::vector<int> activations, weights;
                for (std::int64_t ky = 0; ky < c.kernel; ++ky)
                    for (std::int64_t kx = 0; kx < c.kernel; ++kx)
                        for (std::int64_t i = 0; i < inputs; ++i) {
                            const std::int64_t y = oy * c.stride + ky * c.dilation - c.pad, z = ox * c.stride + kx * c.dilation - c.pad;
                            const bool inside = y >= 0 && y < c.size && z >= 0 && z < c.size;
                            const std::int64_t channel = m / outputs * inputs + i;
                            activations.push_back((inside ? value_of(x, (channel * c.size + y) * c.size + z) : zero) + lift);
                            weights.push_back(value_of(w, ((m * inputs + i) * c.kernel + ky) * c.kernel + kx));
                        }
                changes.push_back(inputs == 1 && outputs == 1 ? 0 : change_of(activations, weights));
            }
    return changes;
}

}  // namespace

TEST_CASE("emulated convolutions saturate as a kernel that adds pairs in 16 bits", "[saturation]") {
    for (const Case& c :
         {Case{4, 6, 5, 3, 1, 1, 1, 1}, Case{3, 9, 4, 3, 1, 2, 1, 1}, Case{6, 7, 4, 3, 2, 1, 0, 2}, Case{8, 20, 3, 1, 1, 1, 0, 1},
          Case{1, 8, 4, 3, 1, 1, 1, 1}, Case{3, 5, 6, 3, 3, 1, 1, 1}, Case{4, 5, 4, 3, 4, 1, 1, 1}})
        for (const DType dtype : {DType::UInt8, DType::Int8}) {
            const auto model = parse_model(format(
                "<ir_version: 8, opset_import: [\"\" : 13, \"mcompress\" : 1]> g ({}[1,{},{},{}] x, int8[{},{},{},{}] w, {} z) => "
                "(int32[N,M,H,W] y) "
                "{{ y = mcompress.ConvSaturation <group = {}, strides = [{},{}], pads = [{},{},{},{}], dilations = [{},{}]> (x, w, z) }}",
                dtype_name(dtype), c.channels, c.size, c.size, c.filters, c.channels / c.group, c.kernel, c.kernel, dtype_name(dtype),
                c.group, c.stride, c.stride, c.pad, c.pad, c.pad, c.pad, c.dilation, c.dilation));
            infer_types(*model->graph);
            const Tensor x = random_bytes(dtype, {1, c.channels, c.size, c.size}, 1, dtype == DType::UInt8 ? 0 : -128,
                                          dtype == DType::UInt8 ? 255 : 127);
            const Tensor w = random_bytes(DType::Int8, {c.filters, c.channels / c.group, c.kernel, c.kernel}, 2, -127, 127);
            const Tensor zero = random_bytes(dtype, {}, 3, 100, 120);
            const std::vector<Tensor> inputs{x, w, zero};
            const Tensor found = evaluate_node(*model->graph->order().at(0), inputs).at(0);
            const std::vector<int> expected = expected_changes(c, x, w, value_of(zero, 0), found.shape()[3]);
            const std::span<const std::int32_t> changes = found.values<std::int32_t>();
            REQUIRE(changes.size() == expected.size());
            CHECK(std::equal(changes.begin(), changes.end(), expected.begin()));
            const bool is_depthwise = c.group == c.channels && c.group == c.filters;
            CHECK(std::any_of(expected.begin(), expected.end(), [](int change) { return change != 0; }) != is_depthwise);
        }
}

TEST_CASE("emulated matrix products saturate alike, with odd lengths and stacked activations", "[saturation]") {
    for (const std::int64_t inner : {2, 7, 40}) {
        const std::int64_t rows = 300, columns = 6;
        const auto model =
            parse_model(format("<ir_version: 8, opset_import: [\"\" : 13, \"mcompress\" : 1]> g (uint8[2,{},{}] a, int8[{},{}] b) => "
                               "(int32[B,M,N] y) {{ y = mcompress.MatMulSaturation (a, b) }}",
                               rows / 2, inner, inner, columns));
        infer_types(*model->graph);
        const Tensor a = random_bytes(DType::UInt8, {2, rows / 2, inner}, 4, 0, 255),
                     b = random_bytes(DType::Int8, {inner, columns}, 5, -127, 127);
        const Tensor found = evaluate_node(*model->graph->order().at(0), std::vector<Tensor>{a, b}).at(0);
        std::size_t wrong = 0;
        for (std::int64_t row = 0; row < rows; ++row)
            for (std::int64_t column = 0; column < columns; ++column) {
                std::vector<int> activations, weights;
                for (std::int64_t k = 0; k < inner; ++k) {
                    activations.push_back(value_of(a, row * inner + k));
                    weights.push_back(value_of(b, k * columns + column));
                }
                wrong += found.data<std::int32_t>()[row * columns + column] != change_of(activations, weights) ? 1 : 0;
            }
        CHECK(wrong == 0);
    }
}
