// Integers known before execution, element by element: shapes and what exporters compute from them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ir/type.h"
#include "tensor/tensor.h"

namespace mcompress {

/// A number, the extent a symbol stands for, or nothing known.
struct IntegerValue {
    std::optional<std::int64_t> number;
    std::string symbol;  // of a dimension; only when there is no number

    static IntegerValue of(const Dim& dim);
    /// As a dimension; a negative number gives an unknown one.
    Dim dim() const;
    bool operator==(const IntegerValue&) const = default;
};

/// A small tensor of integers.
struct IntegerValues {
    DType dtype = DType::Int64;
    Shape shape;
    std::vector<IntegerValue> elements;  // row-major

    /// Nothing for tensors that are not int64, int32 or bool, or longer than kLongestIntegerValues.
    static std::optional<IntegerValues> of(const Tensor& tensor);
    /// When every element is a number that the type can hold.
    std::optional<Tensor> tensor() const;
};

/// Longer tensors hold data, not sizes.
inline constexpr std::size_t kLongestIntegerValues = 256;

}  // namespace mcompress
