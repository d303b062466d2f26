#include "ops/integer_values.h"

namespace mcompress {

namespace {

template <typename T> void append_all(const Tensor& tensor, std::vector<IntegerValue>& elements) {
    for (const T value : tensor.values<T>()) elements.push_back({static_cast<std::int64_t>(value), {}});
}

}  // namespace

IntegerValue IntegerValue::of(const Dim& dim) {
    if (dim.is_known()) return {dim.extent(), {}};
    return {std::nullopt, dim.symbol()};
}

Dim IntegerValue::dim() const {
    if (number) return *number >= 0 ? Dim(*number) : Dim();
    return Dim(symbol);
}

std::optional<IntegerValues> IntegerValues::of(const Tensor& tensor) {
    if (tensor.element_count() > static_cast<std::int64_t>(kLongestIntegerValues)) return std::nullopt;
    IntegerValues result{tensor.dtype(), tensor.shape(), {}};
    switch (tensor.dtype()) {
        case DType::Int64: append_all<std::int64_t>(tensor, result.elements); return result;
        case DType::Int32: append_all<std::int32_t>(tensor, result.elements); return result;
        case DType::Bool: append_all<std::uint8_t>(tensor, result.elements); return result;
        default: return std::nullopt;
    }
}

std::optional<Tensor> IntegerValues::tensor() const {
    std::vector<std::int64_t> numbers;
    for (const IntegerValue& element : elements) {
        if (!element.number) return std::nullopt;
        numbers.push_back(*element.number);
    }
    if (dtype == DType::Int64) return Tensor::from_values(shape, numbers);
    if (dtype == DType::Int32) {
        std::vector<std::int32_t> narrow;
        for (const std::int64_t number : numbers) {
            if (number < INT32_MIN || number > INT32_MAX) return std::nullopt;
            narrow.push_back(static_cast<std::int32_t>(number));
        }
        return Tensor::from_values(shape, narrow);
    }
    if (dtype == DType::Bool) {
        Tensor flags(DType::Bool, shape);
        for (std::size_t index = 0; index < numbers.size(); ++index) flags.mutable_bytes()[index] = std::byte{numbers[index] != 0};
        return flags;
    }
    return std::nullopt;
}

}  // namespace mcompress
