#include "tensor/tensor.h"

#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "catch.h"
#include "support/error.h"
#include "support/file.h"
#include "tensor/float16.h"

using namespace mcompress;

TEST_CASE("copies share the buffer until one is written") {
    Tensor a = Tensor::from_values<float>({3}, {1, 2, 3});
    Tensor b = a;
    CHECK(a.bytes() == b.bytes());
    b.mutable_data<float>()[0] = 9.0f;
    CHECK(a.data<float>()[0] == 1.0f);
    CHECK(b.data<float>()[0] == 9.0f);
    const std::byte* alone = b.bytes();
    b.mutable_data<float>()[1] = 8.0f;
    CHECK(b.bytes() == alone);
    CHECK(reinterpret_cast<std::uintptr_t>(alone) % 64 == 0);
}

TEST_CASE("a view keeps its memory alive and is never written through") {
    auto memory = std::make_shared<std::vector<float>>(std::vector<float>{1, 2, 3, 4});
    const std::weak_ptr<std::vector<float>> watch = memory;
    const auto* data = reinterpret_cast<const std::byte*>(memory->data());
    Tensor view = Tensor::view(DType::Float32, Shape{2, 2}, memory, data, 16);
    CHECK(view.is_view());
    CHECK(view.bytes() == data);
    memory.reset();
    CHECK_FALSE(watch.expired());
    const auto still = watch.lock();
    view.mutable_data<float>()[0] = 7.0f;
    CHECK((*still)[0] == 1.0f);
    CHECK_FALSE(view.is_view());
}

TEST_CASE("a view that is not aligned for its type is copied when it is read as numbers, once for all its copies") {
    auto memory = std::make_shared<std::vector<std::byte>>(9);
    const float value = 2.5f;
    std::memcpy(memory->data() + 1, &value, 4);
    const Tensor view = Tensor::view(DType::Float32, Shape{1}, memory, memory->data() + 1, 4);
    Tensor copy = view;
    CHECK(view.is_view());
    CHECK(view.stored_bytes() == memory->data() + 1);
    CHECK(view.equals(Tensor::scalar(2.5f).reshaped(Shape{1})));
    CHECK(view.data<float>()[0] == 2.5f);
    CHECK(reinterpret_cast<std::uintptr_t>(view.data<float>()) % alignof(float) == 0);
    CHECK(copy.data<float>() == view.data<float>());
    copy.mutable_data<float>()[0] = 3.0f;
    CHECK(copy.data<float>()[0] == 3.0f);
    CHECK(view.data<float>()[0] == 2.5f);
    CHECK(Tensor::view(DType::UInt8, Shape{1}, memory, memory->data() + 1, 1).is_view());
}

TEST_CASE("elements below a byte are packed") {
    CHECK(packed_byte_size(DType::Int4, 0) == 0);
    CHECK(packed_byte_size(DType::Int4, 1) == 1);
    CHECK(packed_byte_size(DType::UInt4, 2) == 1);
    CHECK(packed_byte_size(DType::UInt4, 3) == 2);
    CHECK(packed_byte_size(DType::Int2, 4) == 1);
    CHECK(packed_byte_size(DType::Int2, 5) == 2);
    CHECK(packed_byte_size(DType::Float4E2M1, 7) == 4);
    CHECK(packed_byte_size(DType::Complex128, 3) == 48);
    CHECK(packed_byte_size(DType::String, 3) == 0);
    CHECK(Tensor(DType::Int4, Shape{3, 3}).byte_size() == 5);
    CHECK_THROWS_AS(packed_byte_size(DType::Complex128, INT64_MAX / 8), Error);
}

TEST_CASE("sizes that do not fit the shape are refused") {
    const std::vector<std::byte> bytes(12);
    CHECK_THROWS_AS(Tensor::from_bytes(DType::Float32, Shape{4}, bytes), Error);
    CHECK_THROWS_AS(Tensor::view(DType::Float32, Shape{2}, nullptr, bytes.data(), 12), Error);
    CHECK_THROWS_AS(Tensor(DType::Float32, Shape{-1}), Error);
    CHECK_THROWS_AS(Tensor(DType::Float32, Shape{INT64_MAX, 3}), Error);
    CHECK_THROWS_AS(Tensor(DType::Float32, Shape{4}).reshaped(Shape{3}), Error);
    CHECK_THROWS_AS(Tensor(DType::Float32, Shape{4}).data<double>(), Error);
}

TEST_CASE("equality is by type, shape and bytes") {
    const Tensor a = Tensor::from_values<float>({2}, {1, 2});
    CHECK(a.equals(Tensor::from_values<float>({2}, {1, 2})));
    CHECK_FALSE(a.equals(a.reshaped({1, 2})));
    CHECK_FALSE(a.equals(Tensor::from_values<float>({2}, {1, 3})));
    CHECK_FALSE(Tensor::scalar(1.0f).equals(Tensor::scalar(1)));
    CHECK(Tensor(DType::Float32, Shape{0}).equals(Tensor(DType::Float32, Shape{0})));
    CHECK(Tensor::from_strings({2}, {"a", "b"}).equals(Tensor::from_strings({2}, {"a", "b"})));
    CHECK_FALSE(Tensor::from_strings({2}, {"a", "b"}).equals(Tensor::from_strings({2}, {"a", "c"})));
    CHECK_FALSE(Tensor().defined());
}

TEST_CASE("shapes") {
    CHECK(Shape{}.element_count() == 1);
    CHECK(Shape{2, 0, 5}.element_count() == 0);
    CHECK(Shape{kMostBesideNone, 0}.element_count() == 0);
    CHECK_FALSE(Shape{kMostBesideNone + 1, 0}.checked_element_count().has_value());
    CHECK_FALSE(Shape{INT64_MAX, 0, 7}.checked_element_count().has_value());
    CHECK_FALSE(Shape{INT64_MAX, 2}.checked_element_count().has_value());
    CHECK_FALSE(Shape{-1}.checked_element_count().has_value());
    CHECK(Shape{2, 3, 4}.strides() == std::vector<std::int64_t>{12, 4, 1});
    CHECK(Shape{2, 3, 4}.product(1, 3) == 12);
    constexpr std::int64_t kHuge = std::int64_t{1} << 41;  // beside a dimension of 0, products need not fit
    CHECK(Shape{0, kHuge, kHuge}.strides() == std::vector<std::int64_t>{0, kHuge, 1});
    CHECK(Shape{0, kHuge, kHuge}.product(1, 3) == 0);
    CHECK(Shape{2, 3}.to_string() == "[2,3]");
    CHECK(broadcast(Shape{3, 1}, Shape{2, 1, 4}) == Shape{2, 3, 4});
    CHECK(broadcast(Shape{}, Shape{5}) == Shape{5});
    CHECK(broadcast(Shape{0}, Shape{1}) == Shape{0});
    CHECK_FALSE(broadcast(Shape{2}, Shape{3}).has_value());
    CHECK(normalize_axis(-1, 3) == 2);
    CHECK_FALSE(normalize_axis(3, 3).has_value());
    CHECK_FALSE(normalize_axis(-4, 3).has_value());
}

TEST_CASE("element types have the numbers and names of ONNX") {
    CHECK(is_known_dtype(1));
    CHECK(is_known_dtype(26));
    CHECK_FALSE(is_known_dtype(0));
    CHECK_FALSE(is_known_dtype(27));
    CHECK_FALSE(is_known_dtype(-1));
    CHECK(dtype_name(DType::BFloat16) == "bfloat16");
    CHECK(dtype_bits(DType::Float16) == 16);
    CHECK(is_float(DType::Float8E5M2));
    CHECK(is_signed_integer(DType::Int4));
    CHECK(is_unsigned_integer(DType::UInt2));
    CHECK_FALSE(is_float(DType::Bool));
}

TEST_CASE("pages of a mapped file may leave memory and come back, other memory stays") {
    const std::filesystem::path path = std::filesystem::temp_directory_path() / ("mcompress-pages-" + std::to_string(::getpid()));
    constexpr std::int64_t kCount = 5000;  // several pages, and parts of pages at both ends
    std::vector<float> values(kCount + 3);
    for (std::size_t at = 0; at < values.size(); ++at) values[at] = static_cast<float>(at);
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * 4));
    {
        const auto file = MappedFile::open(path);
        const Tensor mapped = Tensor::view(DType::Float32, Shape{kCount}, file, file->data() + 12, kCount * 4);
        CHECK(mapped.data<float>()[kCount - 1] == static_cast<float>(kCount + 2));
        mapped.release_pages();
        for (std::int64_t at = 0; at < kCount; ++at) REQUIRE(mapped.data<float>()[at] == static_cast<float>(at + 3));
    }
    std::filesystem::remove(path);
    auto memory = std::make_shared<std::vector<float>>(values);
    const Tensor other =
        Tensor::view(DType::Float32, Shape{kCount}, memory, reinterpret_cast<const std::byte*>(memory->data()), kCount * 4);
    other.release_pages();
    CHECK(other.data<float>()[kCount - 1] == static_cast<float>(kCount - 1));
    const Tensor owned = Tensor::from_values(Shape{kCount + 3}, values);
    owned.release_pages();
    CHECK(owned.data<float>()[7] == 7.0F);
}

TEST_CASE("a bool is 0 or 1 whatever byte a file holds") {
    const std::vector<std::uint8_t> stored{0, 1, 2, 255};
    const auto owner = std::make_shared<const std::vector<std::uint8_t>>(stored);
    const auto bytes = std::as_bytes(std::span(*owner));
    for (const Tensor& tensor :
         {Tensor::from_bytes(DType::Bool, Shape{4}, bytes), Tensor::view(DType::Bool, Shape{4}, owner, bytes.data(), bytes.size())}) {
        const std::uint8_t* data = tensor.data<std::uint8_t>();
        CHECK(std::vector<std::uint8_t>(data, data + 4) == std::vector<std::uint8_t>{0, 1, 1, 1});
    }
    CHECK(Tensor::view(DType::Bool, Shape{2}, owner, bytes.data(), 2).is_view());
}
