#include "quant/choose_params.h"

#include <cmath>
#include <limits>

#include "catch.h"
#include "quant/affine.h"
#include "support/error.h"

using namespace mcompress;

namespace {
constexpr QuantRange kU8{0, 255};
}

TEST_CASE("asymmetric parameters equal hand-computed ones", "[quant]") {
    // s = (3 - -1) / 255, zp = rne(255/4) = rne(63.75)
    const QuantParams params = choose_params({-1.0f, 3.0f}, DType::UInt8, Symmetry::Asymmetric);
    CHECK(params.scale == static_cast<float>(4.0 / 255.0));
    CHECK(params.zero_point == 64);
    CHECK(params.dtype == DType::UInt8);
    CHECK(choose_params({-1.0f, 3.0f}, DType::Int8, Symmetry::Asymmetric).zero_point == 64 - 128);
}

TEST_CASE("a range is widened to hold zero", "[quant]") {
    const QuantParams positive = choose_params({2.0f, 6.0f}, DType::UInt8, Symmetry::Asymmetric);
    CHECK(positive.zero_point == 0);
    CHECK(positive.scale == static_cast<float>(6.0 / 255.0));
    const QuantParams negative = choose_params({-6.0f, -2.0f}, DType::UInt8, Symmetry::Asymmetric);
    CHECK(negative.zero_point == 255);
    CHECK(negative.scale == static_cast<float>(6.0 / 255.0));
}

TEST_CASE("symmetric parameters have their zero in the middle", "[quant]") {
    const QuantParams signed_params = choose_params({-1.0f, 2.54f}, DType::Int8, Symmetry::Symmetric);
    CHECK(signed_params.scale == static_cast<float>(static_cast<double>(2.54f) / 127.0));
    CHECK(signed_params.zero_point == 0);
    const QuantParams unsigned_params = choose_params({-1.0f, 2.54f}, DType::UInt8, Symmetry::Symmetric);
    CHECK(unsigned_params.scale == signed_params.scale);
    CHECK(unsigned_params.zero_point == 128);
}

TEST_CASE("a constant zero, subnormal or infinite range falls back to scale one", "[quant]") {
    const float tiny = std::numeric_limits<float>::denorm_min();
    const ValueRange cases[] = {{0.0f, 0.0f}, {0.0f, tiny}, {-tiny, tiny}, {0.0f, std::numeric_limits<float>::infinity()}};
    for (const ValueRange& range : cases) {
        CHECK(is_degenerate(range, DType::UInt8, Symmetry::Asymmetric));
        const QuantParams params = choose_params(range, DType::UInt8, Symmetry::Asymmetric);
        CHECK(params.scale == 1.0f);
        CHECK(params.zero_point == 0);
    }
    CHECK_FALSE(is_degenerate({0.0f, 1e-30f}, DType::UInt8, Symmetry::Asymmetric));
}

TEST_CASE("the widest float range still has a finite scale", "[quant]") {
    const float largest = std::numeric_limits<float>::max();
    const QuantParams params = choose_params({-largest, largest}, DType::UInt8, Symmetry::Asymmetric);
    CHECK(std::isfinite(params.scale));
    CHECK(params.zero_point == 128);  // rne(127.5)
}

TEST_CASE("a NaN or reversed range is a bug of the caller", "[quant]") {
    CHECK_THROWS_AS(choose_params({std::nanf(""), 1.0f}, DType::UInt8, Symmetry::Asymmetric), Error);
    CHECK_THROWS_AS(choose_params({1.0f, -1.0f}, DType::UInt8, Symmetry::Asymmetric), Error);
}

TEST_CASE("trap 17: rounding is half to even and saturates", "[quant]") {
    CHECK(quantize_value(0.5f, 1.0f, 0, kU8) == 0);
    CHECK(quantize_value(1.5f, 1.0f, 0, kU8) == 2);
    CHECK(quantize_value(2.5f, 1.0f, 0, kU8) == 2);
    CHECK(quantize_value(-0.5f, 1.0f, 10, kU8) == 10);
    CHECK(quantize_value(-1.5f, 1.0f, 10, kU8) == 8);
    CHECK(quantize_value(1e30f, 1.0f, 3, kU8) == 255);
    CHECK(quantize_value(-1e30f, 1.0f, 3, kU8) == 0);
    CHECK(quantize_value(std::numeric_limits<float>::infinity(), 1.0f, 3, kU8) == 255);
    CHECK(quantize_value(std::nanf(""), 1.0f, 3, kU8) == 3);
}

TEST_CASE("trap 16: the quotient is a division, not a product with the reciprocal", "[quant]") {
    // Multiplying by the rounded reciprocal moves some ties: such a pair must exist and must follow the division.
    int differences = 0;
    for (const float scale : {0.1f, 0.7f, 0.0123f, 3e-3f, 0.37f}) {
        const float reciprocal = 1.0f / scale;
        for (int code = 0; code < 2000; ++code) {
            const float x = (static_cast<float>(code) + 0.5f) * scale;
            const auto divided = static_cast<std::int32_t>(std::nearbyintf(x / scale));
            if (divided != static_cast<std::int32_t>(std::nearbyintf(x * reciprocal))) ++differences;
            REQUIRE(quantize_value(x, scale, 0, {0, 65535}) == divided);
        }
    }
    CHECK(differences > 0);
}

TEST_CASE("quantizing what was dequantized gives the same code", "[quant]") {
    for (const float scale : {0.0123f, 1.0f, 3.7e-5f, 812.5f})
        for (std::int32_t zero_point : {0, 7, 128, 255})
            for (std::int32_t code = 0; code < 256; ++code)
                REQUIRE(quantize_value(dequantize_value(code, scale, zero_point), scale, zero_point, kU8) == code);
}

TEST_CASE("weights use the symmetric range", "[quant]") {
    CHECK(symmetric_weight_range(DType::Int8).min == -127);
    CHECK(symmetric_weight_range(DType::Int8).max == 127);
}

TEST_CASE("per-channel weight parameters", "[quant]") {
    const float absmax[] = {1.27f, 0.0f, 12.7f, 1e-44f};
    const ChannelParams params = choose_channel_params(absmax, DType::Int8, 0);
    REQUIRE(params.scales.size() == 4);
    CHECK(params.scales[0] == static_cast<float>(static_cast<double>(1.27f) / 127.0));
    CHECK(params.scales[2] == static_cast<float>(static_cast<double>(12.7f) / 127.0));
    CHECK(params.scales[1] == params.scales[2]);  // dead channels take the largest scale
    CHECK(params.scales[3] == params.scales[2]);
    CHECK(params.zero_points == std::vector<std::int32_t>{0, 0, 0, 0});

    const float dead[] = {0.0f, 0.0f};
    CHECK(choose_channel_params(dead, DType::Int8, 0).scales[0] == static_cast<float>(1.0 / 127.0));
}

TEST_CASE("the smallest bias scale leaves half of int32 to the products", "[quant]") {
    for (const float bias : {1e-20f, 0.37f, 1.0f, 4096.0f, 3e30f}) {
        const float scale = smallest_bias_scale(bias);
        const double code = static_cast<double>(bias) / static_cast<double>(scale);
        CHECK(code < 1073741824.0);
        CHECK(code > 1073000000.0);
    }
    CHECK(smallest_bias_scale(0.0f) == std::numeric_limits<float>::min());
    CHECK(std::isnormal(smallest_bias_scale(std::numeric_limits<float>::denorm_min())));
}

TEST_CASE("the representable range holds the chosen one", "[quant]") {
    const QuantParams params = choose_params({-1.0f, 3.0f}, DType::UInt8, Symmetry::Asymmetric);
    const ValueRange range = representable_range(params);
    CHECK(range.min == Approx(-1.0).margin(params.scale / 2));
    CHECK(range.max == Approx(3.0).margin(params.scale / 2));
    CHECK(union_of({-1.0f, 2.0f}, {0.0f, 5.0f}) == ValueRange{-1.0f, 5.0f});
}

TEST_CASE("dynamic parameters are those of ONNX's DynamicQuantizeLinear", "[quant]") {
    CHECK(choose_dynamic_params({-3.0f, 2.0f}) == QuantParams{0.019607844f, 153, DType::UInt8});   // the example of the operator
    CHECK(choose_dynamic_params({-4.0f, -1.0f}) == QuantParams{0.015686275f, 255, DType::UInt8});  // and its published test of maxima
    CHECK(choose_dynamic_params({1.0f, 4.0f}) == QuantParams{0.015686275f, 0, DType::UInt8});      // and of minima
    CHECK(choose_dynamic_params({0.0f, 0.0f}) == QuantParams{0.0f, 0, DType::UInt8});
    const float infinity = std::numeric_limits<float>::infinity();
    CHECK(choose_dynamic_params({-infinity, 1.0f}) == QuantParams{infinity, 0, DType::UInt8});
}
