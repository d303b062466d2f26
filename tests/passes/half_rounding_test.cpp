// Rounding to half precision: counts, saturation and the way back.
#include <cmath>
#include <limits>

#include "catch.h"
#include "passes/compress/half_rounding.h"
#include "tensor/float16.h"

using namespace mcompress;

TEST_CASE("numbers that half precision loses are counted") {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    // 65519.99 rounds to 65504, 65520 to infinity; 2^-25 rounds to 0 (ties to even), the next float to 2^-24; 6.0e-5 is subnormal.
    const Tensor tensor = Tensor::from_values<float>(
        {10}, {65519.99F, 65520.0F, -1e38F, 0x1p-25F, std::nextafter(0x1p-25F, 1.0F), 6.0e-5F, 0.0F, -0.0F, kInfinity, 1.0F});
    const RoundingCounts counts = count_rounding(tensor, DType::Float16);
    CHECK(counts.elements == 10);
    CHECK(counts.nonzero == 7);
    CHECK(counts.overflow == 2);
    CHECK(counts.flushed == 1);
    CHECK(counts.subnormal == 2);
    CHECK(counts.largest == Approx(1e38));
    const RoundingCounts wide = count_rounding(tensor, DType::BFloat16);
    CHECK(wide.overflow + wide.flushed + wide.subnormal == 0);
}

TEST_CASE("conversion saturates finite numbers only") {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const Tensor tensor = Tensor::from_values<float>({5}, {70000.0F, -70000.0F, kInfinity, std::nanf(""), 0.1F});
    const Tensor half = convert_floats(tensor, DType::Float16);
    const auto values = half.values<Float16>();
    CHECK(to_float(values[0]) == 65504.0F);
    CHECK(to_float(values[1]) == -65504.0F);
    CHECK(std::isinf(to_float(values[2])));
    CHECK(std::isnan(to_float(values[3])));
    CHECK(to_float(values[4]) == 0.0999755859375F);
    const Tensor back = convert_floats(half, DType::Float32);
    CHECK(back.values<float>()[4] == 0.0999755859375F);
    CHECK(convert_floats(back, DType::Float16).values<Float16>()[4] == values[4]);
}

TEST_CASE("the noise of rounding is that of the numbers that stay finite") {
    const Tensor tensor = Tensor::from_values<float>({2}, {1.0F, 1e-9F});
    const RoundingCounts counts = count_rounding(tensor, DType::Float16);
    CHECK(counts.flushed_share() == 0.5);
    CHECK(counts.noise_share() == Approx(1e-18).epsilon(1e-3));
}
