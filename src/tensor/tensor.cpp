#include "tensor/tensor.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

#include "support/error.h"
#include "support/file.h"

namespace mcompress {

namespace {

constexpr std::size_t kAlignment = 64;

// Not aligned_alloc(): the C library looks for a longer block and cuts off both ends, so that a freed block is too short for the next one of its size, and memory grows
// with every picture that is decoded between two small allocations.
std::shared_ptr<std::byte> allocate(std::size_t size) {
    void* const block = std::malloc(size + kAlignment);
    if (!block) throw std::bad_alloc();
    const std::uintptr_t begin = (reinterpret_cast<std::uintptr_t>(block) + kAlignment - 1) / kAlignment * kAlignment;
    return {reinterpret_cast<std::byte*>(begin), [block](std::byte*) { std::free(block); }};
}

bool is_aligned_for(DType dtype, const std::byte* data) {
    const int bits = dtype_bits(dtype);
    const std::size_t wanted = bits >= 64 ? 8 : static_cast<std::size_t>(bits) / 8;
    return wanted <= 1 || reinterpret_cast<std::uintptr_t>(data) % wanted == 0;
}

/// Every byte but 0 is true, and C++ knows no bool but 0 and 1.
bool holds_other_bools(DType dtype, const std::byte* data, std::size_t bytes) {
    return dtype == DType::Bool && std::any_of(data, data + bytes, [](std::byte value) { return value > std::byte{1}; });
}

void normalize_bools(DType dtype, std::byte* data, std::size_t bytes) {
    if (dtype == DType::Bool) std::transform(data, data + bytes, data, [](std::byte value) { return std::min(value, std::byte{1}); });
}

}  // namespace

struct Tensor::AlignedCopy {
    std::once_flag once;
    std::shared_ptr<std::byte> memory;
};

std::size_t packed_byte_size(DType dtype, std::int64_t elements) {
    std::int64_t bits = 0;
    if (__builtin_mul_overflow(elements, static_cast<std::int64_t>(dtype_bits(dtype)), &bits) || bits > INT64_MAX - 7)
        fail(codes::kTensorInvalid, "{} elements of {} are too many", elements, dtype_name(dtype));
    return static_cast<std::size_t>((bits + 7) / 8);
}

Tensor Tensor::uninitialized(DType dtype, Shape shape) {
    Tensor tensor;
    tensor.dtype_ = dtype;
    tensor.shape_ = std::move(shape);
    tensor.elements_ = tensor.shape_.element_count();
    if (dtype == DType::String) {
        tensor.strings_ = std::make_shared<const std::vector<std::string>>(static_cast<std::size_t>(tensor.elements_));
        return tensor;
    }
    auto memory = allocate(packed_byte_size(dtype, tensor.elements_));
    tensor.data_ = memory.get();
    tensor.owner_ = std::move(memory);
    return tensor;
}

Tensor::Tensor(DType dtype, Shape shape) {
    *this = uninitialized(dtype, std::move(shape));
    if (data_) std::memset(data_, 0, byte_size());
}

Tensor Tensor::view(DType dtype, Shape shape, std::shared_ptr<const void> owner, const std::byte* data, std::size_t bytes) {
    const std::int64_t elements = shape.element_count();
    const std::size_t wanted = packed_byte_size(dtype, elements);
    if (dtype == DType::String || wanted != bytes)
        fail(codes::kTensorInvalid, "shape {} of {} needs {} bytes, found {}", shape.to_string(), dtype_name(dtype), wanted, bytes);
    if (holds_other_bools(dtype, data, bytes)) return from_bytes(dtype, std::move(shape), {data, bytes});
    Tensor tensor;
    tensor.dtype_ = dtype;
    tensor.is_view_ = true;
    tensor.shape_ = std::move(shape);
    tensor.elements_ = elements;
    tensor.data_ = const_cast<std::byte*>(data);
    tensor.owner_ = std::move(owner);
    if (!is_aligned_for(dtype, data)) tensor.aligned_ = std::make_shared<AlignedCopy>();
    return tensor;
}

void Tensor::release_pages() const {
    if (is_view_) mcompress::release_pages(owner_, data_, byte_size());
}

const std::byte* Tensor::aligned_bytes() const {
    std::call_once(aligned_->once, [&] {
        aligned_->memory = allocate(byte_size());
        std::memcpy(aligned_->memory.get(), data_, byte_size());
    });
    return aligned_->memory.get();
}

Tensor Tensor::from_bytes(DType dtype, Shape shape, std::span<const std::byte> bytes) {
    Tensor tensor = uninitialized(dtype, std::move(shape));
    if (dtype == DType::String || tensor.byte_size() != bytes.size())
        fail(codes::kTensorInvalid, "shape {} of {} needs {} bytes, found {}", tensor.shape_.to_string(), dtype_name(dtype),
             tensor.byte_size(), bytes.size());
    if (!bytes.empty()) std::memcpy(tensor.data_, bytes.data(), bytes.size());
    normalize_bools(dtype, tensor.data_, bytes.size());
    return tensor;
}

Tensor Tensor::from_strings(Shape shape, std::vector<std::string> values) {
    Tensor tensor;
    tensor.dtype_ = DType::String;
    tensor.shape_ = std::move(shape);
    tensor.elements_ = tensor.shape_.element_count();
    if (tensor.elements_ != static_cast<std::int64_t>(values.size()))
        fail(codes::kTensorInvalid, "shape {} needs {} strings, found {}", tensor.shape_.to_string(), tensor.elements_, values.size());
    tensor.strings_ = std::make_shared<const std::vector<std::string>>(std::move(values));
    return tensor;
}

std::size_t Tensor::byte_size() const {
    if (dtype_ != DType::String) return packed_byte_size(dtype_, elements_);
    std::size_t total = 0;
    for (const auto& text : *strings_) total += text.size();
    return total;
}

std::byte* Tensor::mutable_bytes() {
    MCOMPRESS_CHECK(dtype_ != DType::String);
    if (data_ && (is_view_ || owner_.use_count() > 1)) {
        auto memory = allocate(byte_size());
        std::memcpy(memory.get(), data_, byte_size());
        data_ = memory.get();
        owner_ = std::move(memory);
        is_view_ = false;
        aligned_.reset();
    }
    return data_;
}

const std::vector<std::string>& Tensor::strings() const {
    MCOMPRESS_CHECK(dtype_ == DType::String);
    return *strings_;
}

Tensor Tensor::reshaped(Shape shape) const {
    const std::int64_t elements = shape.element_count();
    if (elements != elements_)
        fail(codes::kTensorInvalid, "{} elements of shape {} cannot take shape {}", elements_, shape_.to_string(), shape.to_string());
    Tensor result = *this;
    result.shape_ = std::move(shape);
    return result;
}

bool Tensor::equals(const Tensor& other) const {
    if (dtype_ != other.dtype_ || shape_ != other.shape_) return false;
    if (dtype_ == DType::String) return strings() == other.strings();
    return data_ == other.data_ || elements_ == 0 || std::memcmp(data_, other.data_, byte_size()) == 0;
}

}  // namespace mcompress
