// A dense tensor with value semantics over a shared immutable buffer.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "support/check.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace mcompress {

/// Copies share the buffer; mutable_data() detaches first. A buffer may view memory that `owner` keeps alive (a mapped file), in which
/// case nothing is read until it is used. Elements below 8 bits are packed, low bits first. Row-major, contiguous, 64-byte aligned when
/// owned (a view has the alignment of its file).
class Tensor {
public:
    Tensor() = default;  // dtype Undefined: no tensor
    /// Zero-initialised. Throws kTensorInvalid on an impossible shape.
    Tensor(DType dtype, Shape shape);
    /// Contents unspecified; for outputs that are written in full.
    static Tensor uninitialized(DType dtype, Shape shape);
    /// A view of `bytes` bytes at `data` kept alive by `owner`. Throws kTensorInvalid when the size does not fit the shape.
    static Tensor view(DType dtype, Shape shape, std::shared_ptr<const void> owner, const std::byte* data, std::size_t bytes);
    static Tensor from_bytes(DType dtype, Shape shape, std::span<const std::byte> bytes);
    static Tensor from_strings(Shape shape, std::vector<std::string> values);

    template <typename T> static Tensor from_values(Shape shape, std::span<const T> values) {
        return from_bytes(dtype_of<T>, std::move(shape), std::as_bytes(values));
    }
    template <typename T> static Tensor from_values(Shape shape, const std::vector<T>& values) {
        return from_values(std::move(shape), std::span<const T>(values));
    }
    template <typename T> static Tensor from_values(Shape shape, std::initializer_list<T> values) {
        return from_values(std::move(shape), std::span<const T>(values.begin(), values.size()));
    }
    template <typename T> static Tensor scalar(T value) { return from_values(Shape{}, std::span<const T>(&value, 1)); }

    DType dtype() const { return dtype_; }
    const Shape& shape() const { return shape_; }
    std::int64_t element_count() const { return elements_; }
    /// Bytes of the packed elements; for strings the sum of their lengths.
    std::size_t byte_size() const;
    bool defined() const { return dtype_ != DType::Undefined; }
    bool is_view() const { return is_view_; }

    const std::byte* bytes() const { return aligned_ ? aligned_bytes() : data_; }
    /// The elements where they lie, which for a view may be no multiple of their size: to be hashed, compared and written, not computed with.
    const std::byte* stored_bytes() const { return data_; }
    /// Writable bytes; copies first when the buffer is shared or a view.
    std::byte* mutable_bytes();

    /// Says that the elements will not be needed soon: what a mapped file holds leaves memory, and comes back when it is read. Does nothing for other
    /// memory.
    void release_pages() const;
    /// Elements as T, which must match dtype() (Bool may be read as uint8_t). The pointer is aligned for T: a view that is not is copied when
    /// it is first read as numbers (safe from several threads); its copies share that copy.
    template <typename T> const T* data() const {
        check_type(dtype_of<T>);
        return reinterpret_cast<const T*>(bytes());
    }
    template <typename T> T* mutable_data() {
        check_type(dtype_of<T>);
        return reinterpret_cast<T*>(mutable_bytes());
    }
    template <typename T> std::span<const T> values() const { return {data<T>(), static_cast<std::size_t>(elements_)}; }
    const std::vector<std::string>& strings() const;

    /// The same buffer under another shape of equal element count.
    Tensor reshaped(Shape shape) const;

    /// Same dtype, shape and bytes.
    bool equals(const Tensor& other) const;

private:
    struct AlignedCopy;
    const std::byte* aligned_bytes() const;
    void check_type(DType wanted) const { MCOMPRESS_CHECK(dtype_ == wanted || (dtype_ == DType::Bool && wanted == DType::UInt8)); }

    DType dtype_ = DType::Undefined;
    bool is_view_ = false;
    Shape shape_;
    std::int64_t elements_ = 0;
    std::byte* data_ = nullptr;  // never written through while shared or a view
    std::shared_ptr<const void> owner_;
    std::shared_ptr<AlignedCopy> aligned_;  // of a view that is not aligned for its type
    std::shared_ptr<const std::vector<std::string>> strings_;
};

/// Bytes that `elements` packed elements of `dtype` take (0 for String). Throws kTensorInvalid beyond 2^63.
std::size_t packed_byte_size(DType dtype, std::int64_t elements);

}  // namespace mcompress
