#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "catch.h"
#include "engine/onednn/int8_elementwise.h"
#include "quant/affine.h"

using namespace mcompress;
using namespace mcompress::onednn;

namespace {

std::byte expected(float value, const QuantParams& params) {
    return static_cast<std::byte>(quantize_value(value, params.scale, params.zero_point, integer_range(params.dtype)));
}

/// Ties of all codes and their neighbours, what lies beyond the codes, and what is no number.
std::vector<float> hard_values(float scale) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    std::vector<float> values{0.0F, -0.0F, kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN(), 1e38F, -1e38F, 1e-42F};
    for (int code = -300; code <= 300; ++code) {
        const float tie = (static_cast<float>(code) + 0.5F) * scale;
        for (const float near : {tie, std::nextafter(tie, kInfinity), std::nextafter(tie, -kInfinity), static_cast<float>(code) * scale})
            values.push_back(near);
        values.push_back(std::nextafter(std::nextafter(tie, kInfinity), kInfinity));
        values.push_back(std::nextafter(std::nextafter(tie, -kInfinity), -kInfinity));
    }
    return values;
}

}  // namespace

TEST_CASE("quantized elements are the definition's to the last tie", "[onednn][int8]") {
    std::mt19937 random(5);
    std::vector<float> scales{1.0F, 0.1F, 1.0F / 3.0F, 1e-38F, 1e-40F, 1e38F, 3e38F, 0x1p-126F, 0x1p127F};
    for (int at = 0; at < 200; ++at) scales.push_back(std::exp2(std::uniform_real_distribution<float>(-20.0F, 20.0F)(random)));
    for (const float scale : scales)
        for (const QuantParams params : {QuantParams{scale, 0, DType::UInt8}, QuantParams{scale, 114, DType::UInt8},
                                         QuantParams{scale, 0, DType::Int8}, QuantParams{scale, -77, DType::Int8}}) {
            const std::vector<float> values = hard_values(scale);
            std::vector<std::byte> codes(values.size());
            quantize_elements(values.data(), static_cast<std::int64_t>(values.size()), params, codes.data());
            for (std::size_t at = 0; at < values.size(); ++at) {
                CAPTURE(scale, params.zero_point, values[at]);
                if (codes[at] != expected(values[at], params)) REQUIRE(codes[at] == expected(values[at], params));
            }
        }
}

TEST_CASE("arithmetic on codes is the definition's in every pair of codes", "[onednn][int8]") {
    // Every pair, so that those whose result lies near a tie are among them; scales that are powers of two give ties themselves.
    std::vector<std::byte> a, b;
    for (int first = 0; first < 256; ++first)
        for (int second = 0; second < 256; ++second)
            a.push_back(static_cast<std::byte>(first)), b.push_back(static_cast<std::byte>(second));
    std::vector<std::byte> codes(a.size());
    std::mt19937 random(3);
    const auto scale = [&](int round) {
        return round % 4 == 0 ? std::exp2(static_cast<float>(random() % 3))
                              : std::exp2(std::uniform_real_distribution<float>(-3.0F, 3.0F)(random));
    };
    const auto code = [](std::byte bits, const QuantParams& params) {
        const auto whole = std::to_integer<int>(bits);
        return dequantize_value(params.dtype == DType::UInt8 || whole < 128 ? whole : whole - 256, params.scale, params.zero_point);
    };
    for (int round = 0; round < 120; ++round) {
        BinaryCodes how;
        how.operation = round % 3 == 0 ? CodeArithmetic::Sub : round % 7 == 0 ? CodeArithmetic::Mul : CodeArithmetic::Add;
        for (QuantParams* params : {&how.a, &how.b, &how.result}) {
            params->dtype = random() % 2 == 0 ? DType::UInt8 : DType::Int8;
            params->zero_point = static_cast<int>(random() % 256) - (params->dtype == DType::Int8 ? 128 : 0);
            params->scale = scale(round) * (round % 10 == 9 && params == &how.a ? 1e5F : 1.0F);
        }
        how.range = integer_range(how.result.dtype);
        if (round % 2 == 0) how.range.min = std::max(how.range.min, how.result.zero_point);
        how.slope = round % 5 == 0 ? 0.25F : 1.0F;
        compute_codes(a.data(), b.data(), static_cast<std::int64_t>(a.size()), how, codes.data());
        int wrong = 0;
        for (std::size_t at = 0; at < a.size(); ++at) {
            const float x = code(a[at], how.a), y = code(b[at], how.b);
            float value = how.operation == CodeArithmetic::Add ? x + y : how.operation == CodeArithmetic::Sub ? x - y : x * y;
            if (value < 0.0F) value *= how.slope;
            wrong += codes[at] != static_cast<std::byte>(quantize_value(value, how.result.scale, how.result.zero_point, how.range));
        }
        CAPTURE(round, static_cast<int>(how.operation), how.slope);
        CHECK(wrong == 0);
    }
}

TEST_CASE("planes are quantized to channels that lie last", "[onednn][int8]") {
    const QuantParams params{0.05F, 100, DType::UInt8};
    for (const std::int64_t channels : {1, 2, 3, 4, 7})
        for (const std::int64_t points : {1, 15, 16, 17, 255, 256, 257, 1000}) {
            const std::int64_t stride = points + 3;
            std::vector<float> planes(static_cast<std::size_t>(channels * stride));
            for (std::size_t at = 0; at < planes.size(); ++at) planes[at] = static_cast<float>((at * 37) % 251) * 0.05F - 5.0F;
            std::vector<std::byte> codes(static_cast<std::size_t>(channels * points) + 1, std::byte{77});
            quantize_transposed(planes.data(), channels, points, stride, params, codes.data());
            std::vector<std::byte> wanted;
            for (std::int64_t point = 0; point < points; ++point)
                for (std::int64_t channel = 0; channel < channels; ++channel)
                    wanted.push_back(expected(planes[static_cast<std::size_t>(channel * stride + point)], params));
            wanted.push_back(std::byte{77});  // nothing is written behind the last
            CAPTURE(channels, points);
            REQUIRE(codes == wanted);
        }
}
