#include "data/exact_conversion.h"

#include <cmath>
#include <limits>

#include "catch.h"
#include "data/array_dataset.h"
#include "tensor/float16.h"

using namespace mcompress;

TEST_CASE("numbers that another type holds are converted") {
    CHECK(convert_exactly(Tensor::from_values<std::uint8_t>({2}, {0, 255}), DType::Float32)
              ->equals(Tensor::from_values<float>({2}, {0, 255})));
    CHECK(
        convert_exactly(Tensor::from_values<double>({2}, {0.5, -3}), DType::Float32)->equals(Tensor::from_values<float>({2}, {0.5f, -3})));
    CHECK(
        convert_exactly(Tensor::from_values<std::int64_t>({1}, {-7}), DType::Int32)->equals(Tensor::from_values<std::int32_t>({1}, {-7})));
    CHECK(convert_exactly(Tensor::from_values<float>({1}, {2.0f}), DType::Int64)->equals(Tensor::from_values<std::int64_t>({1}, {2})));
    CHECK(convert_exactly(Tensor::from_values<std::uint8_t>({1}, {200}), DType::Float16)->data<Float16>()[0] == to_float16(200.0f));
    CHECK(convert_exactly(Tensor::from_values<std::int64_t>({1}, {INT64_MAX}), DType::UInt64)->data<std::uint64_t>()[0] == INT64_MAX);
    CHECK(std::isnan(convert_exactly(Tensor::from_values<double>({1}, {std::nan("")}), DType::Float32)->data<float>()[0]));
    CHECK(std::isinf(
        convert_exactly(Tensor::from_values<double>({1}, {std::numeric_limits<double>::infinity()}), DType::Float32)->data<float>()[0]));
}

TEST_CASE("numbers that would change are not converted") {
    CHECK_FALSE(convert_exactly(Tensor::from_values<double>({2}, {1, 0.1}), DType::Float32).has_value());
    CHECK_FALSE(convert_exactly(Tensor::from_values<double>({1}, {1e300}), DType::Float32).has_value());
    CHECK_FALSE(convert_exactly(Tensor::from_values<float>({1}, {0.5f}), DType::UInt8).has_value());
    CHECK_FALSE(convert_exactly(Tensor::from_values<float>({1}, {-1.0f}), DType::UInt8).has_value());
    CHECK_FALSE(convert_exactly(Tensor::from_values<float>({1}, {0x1p63f}), DType::Int64).has_value());
    CHECK_FALSE(convert_exactly(Tensor::from_values<float>({1}, {std::numeric_limits<float>::infinity()}), DType::Int64).has_value());
    CHECK_FALSE(convert_exactly(Tensor::from_values<float>({1}, {std::nanf("")}), DType::Int64).has_value());
    CHECK_FALSE(convert_exactly(Tensor::from_values<std::int64_t>({1}, {(1 << 24) + 1}), DType::Float32).has_value());
    CHECK_FALSE(convert_exactly(Tensor::from_values<std::int64_t>({1}, {INT64_MAX}), DType::Float64).has_value());
    CHECK_FALSE(convert_exactly(Tensor::from_values<std::uint64_t>({1}, {UINT64_MAX}), DType::Int64).has_value());
    CHECK_FALSE(convert_exactly(Tensor::from_values<bool>({1}, {true}), DType::Float32).has_value());
}

TEST_CASE("samples are brought to the types a model takes, by name or by place") {
    const auto data = [](const std::string& first, const std::string& second) {
        return make_array_dataset(
            {{first, "a", Tensor::from_values<std::uint8_t>({2, 1}, {3, 4})}, {second, "b", Tensor::from_values<double>({2, 1}, {0.1, 5})}},
            SampleAxis::Leading);
    };
    const std::vector<WantedInput> inputs{{"x", DType::Float32}, {"y", DType::Float32}};
    const auto by_name = match_types(data("y", "other"), inputs);
    CHECK(by_name->sample(1)[0].second.equals(Tensor::from_values<float>({1, 1}, {4})));
    CHECK(by_name->sample(1)[1].second.dtype() == DType::Float64);
    const auto by_place = match_types(data("", ""), inputs);
    CHECK(by_place->sample(0)[0].second.dtype() == DType::Float32);
    CHECK(by_place->sample(0)[1].second.dtype() == DType::Float64);  // 0.1 would change
    CHECK(by_place->sample(1)[1].second.dtype() == DType::Float32);
    CHECK(by_place->sample_name(1) == "a[1]");
}
