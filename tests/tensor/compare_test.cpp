#include "tensor/compare.h"

#include <cmath>
#include <limits>

#include "catch.h"
#include "support/error.h"
#include "tensor/float16.h"

using namespace mcompress;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

ErrorMeasure measure(const std::vector<float>& reference, const std::vector<float>& candidate) {
    ErrorMeasure result;
    result.add(reference, candidate);
    return result;
}

Tensor of_bytes(DType dtype, Shape shape, std::initializer_list<int> bytes) {
    std::vector<std::byte> memory;
    for (const int byte : bytes) memory.push_back(static_cast<std::byte>(byte));
    return Tensor::from_bytes(dtype, std::move(shape), memory);
}

}  // namespace

TEST_CASE("signal to noise, cosine and greatest difference") {
    const ErrorMeasure found = measure({3, 4, 0}, {3, 5, 0});
    CHECK(found.count == 3);
    CHECK(found.sqnr_db() == Approx(10.0 * std::log10(25.0)));
    CHECK(found.cosine() == Approx((9.0 + 20.0) / (5.0 * std::sqrt(34.0))));
    CHECK(found.max_absolute == 1.0);
    CHECK(found.relative_max() == 0.25);
}

TEST_CASE("equal, zero and opposite arrays") {
    CHECK(std::isinf(measure({1, 2}, {1, 2}).sqnr_db()));
    CHECK(measure({1, 2}, {1, 2}).cosine() == 1.0);
    CHECK(measure({1, 2}, {-1, -2}).cosine() == Approx(-1.0));
    CHECK(measure({0, 0}, {0, 0}).cosine() == 1.0);
    CHECK(measure({0, 0}, {1, 0}).cosine() == 0.0);
    CHECK(measure({0, 0}, {1, 0}).sqnr_db() == -std::numeric_limits<double>::infinity());
    CHECK(measure({}, {}).cosine() == 1.0);
    CHECK(measure({}, {}).relative_max() == 0.0);
}

TEST_CASE("values that are not finite count against the candidate unless both sides have them") {
    const ErrorMeasure same = measure({kNan, kInfinity, 1}, {kNan, kInfinity, 1});
    CHECK(same.not_finite == 0);
    CHECK(same.count == 3);
    CHECK(std::isinf(same.sqnr_db()));
    for (const auto& [reference, candidate] : {std::pair{1.0f, kNan}, {kInfinity, 1.0f}, {kInfinity, -kInfinity}, {kNan, kInfinity}}) {
        const ErrorMeasure found = measure({reference, 1}, {candidate, 1});
        CHECK(found.not_finite == 1);
        CHECK(found.sqnr_db() == -std::numeric_limits<double>::infinity());
        CHECK(found.cosine() == 0.0);
    }
}

TEST_CASE("measures add up") {
    std::vector<float> reference(1000);
    std::vector<float> candidate(1000);
    for (std::size_t at = 0; at < reference.size(); ++at) {
        reference[at] = static_cast<float>(at % 17) - 8.0f;
        candidate[at] = reference[at] + (at % 5 == 0 ? 0.25f : 0.0f);
    }
    ErrorMeasure parts = measure({reference.begin(), reference.begin() + 300}, {candidate.begin(), candidate.begin() + 300});
    parts.add(measure({reference.begin() + 300, reference.end()}, {candidate.begin() + 300, candidate.end()}));
    const ErrorMeasure whole = measure(reference, candidate);
    CHECK(parts.noise == whole.noise);  // all sums are exact here
    CHECK(parts.signal == whole.signal);
    CHECK(parts.count == whole.count);
    CHECK(parts.max_absolute == 0.25);
    CHECK_THROWS_AS(measure({1}, {1, 2}), Error);
}

TEST_CASE("argmax is the first of the greatest and ignores NaN") {
    CHECK(argmax(std::vector<float>{1, 5, 5, 2}) == 1);
    CHECK(argmax(std::vector<float>{kNan, -3, -2}) == 2);
    CHECK(argmax(std::vector<float>{1, kNan, 0}) == 0);
    CHECK(argmax(std::vector<float>{-kInfinity}) == 0);
    CHECK(argmax(std::vector<float>{}) == 0);
}

TEST_CASE("every numeric element type becomes float") {
    CHECK(to_floats(Tensor::from_values<std::int64_t>({2}, {-7, 1 << 20})) == std::vector<float>{-7, 1 << 20});
    CHECK(to_floats(Tensor::from_values<std::uint8_t>({1}, {200})) == std::vector<float>{200});
    CHECK(to_floats(Tensor::from_values<double>({1}, {0.5})) == std::vector<float>{0.5f});
    CHECK(to_floats(Tensor::from_values<Float16>({1}, {to_float16(-1.5f)})) == std::vector<float>{-1.5f});
    CHECK(to_floats(Tensor::from_values<BFloat16>({1}, {to_bfloat16(3.0f)})) == std::vector<float>{3.0f});
    CHECK(to_floats(of_bytes(DType::Bool, {3}, {0, 1, 2})) == std::vector<float>{0, 1, 1});
    CHECK(to_floats(of_bytes(DType::Int4, {3}, {0x7F, 0x08})) == std::vector<float>{-1, 7, -8});
    CHECK(to_floats(of_bytes(DType::UInt4, {3}, {0x7F, 0x08})) == std::vector<float>{15, 7, 8});
    CHECK(to_floats(of_bytes(DType::Int2, {5}, {0xE4, 0x02})) == std::vector<float>{0, 1, -2, -1, -2});
    CHECK(to_floats(of_bytes(DType::UInt2, {4}, {0xE4})) == std::vector<float>{0, 1, 2, 3});
    CHECK_THROWS_AS(to_floats(Tensor::from_strings({1}, {"x"})), Error);
    CHECK_THROWS_AS(to_floats(Tensor()), Error);
}

TEST_CASE("small floats by the tables of the ONNX documentation") {
    // 0, 1, least subnormal, greatest, negative
    CHECK(to_floats(of_bytes(DType::Float8E4M3FN, {5}, {0x00, 0x38, 0x01, 0x7E, 0xB8})) == std::vector<float>{0, 1, 0x1p-9f, 448, -1});
    CHECK(std::isnan(to_floats(of_bytes(DType::Float8E4M3FN, {1}, {0x7F}))[0]));
    CHECK(to_floats(of_bytes(DType::Float8E4M3FNUZ, {4}, {0x00, 0x40, 0x01, 0x7F})) == std::vector<float>{0, 1, 0x1p-10f, 240});
    CHECK(std::isnan(to_floats(of_bytes(DType::Float8E4M3FNUZ, {1}, {0x80}))[0]));
    CHECK(to_floats(of_bytes(DType::Float8E5M2, {4}, {0x3C, 0x01, 0x7B, 0x7C})) == std::vector<float>{1, 0x1p-16f, 57344, kInfinity});
    CHECK(std::isnan(to_floats(of_bytes(DType::Float8E5M2, {1}, {0x7D}))[0]));
    CHECK(to_floats(of_bytes(DType::Float8E5M2FNUZ, {3}, {0x40, 0x01, 0x7F})) == std::vector<float>{1, 0x1p-17f, 57344});
    CHECK(to_floats(of_bytes(DType::Float8E8M0, {3}, {127, 0, 254})) == std::vector<float>{1, 0x1p-127f, 0x1p127f});
    CHECK(std::isnan(to_floats(of_bytes(DType::Float8E8M0, {1}, {0xFF}))[0]));
    CHECK(to_floats(of_bytes(DType::Float4E2M1, {16}, {0x10, 0x32, 0x54, 0x76, 0x98, 0xBA, 0xDC, 0xFE})) ==
          std::vector<float>{0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0.0f, -0.5f, -1, -1.5f, -2, -3, -4, -6});
}
