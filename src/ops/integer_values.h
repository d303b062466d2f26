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

/// A scalar or vector of integers.
struct IntegerValues {
    DType dtype = DType::Int64;
    int rank = 1;  // 0 or 1
    std::vector<IntegerValue> elements;

    /// Nothing for tensors that are not integer (or bool), of rank above 1 or longer than kLongestIntegerValues.
    static std::optional<IntegerValues> of(const Tensor& tensor);
    /// When every element is a number that the type can hold.
    std::optional<Tensor> tensor() const;
};

/// Longer vectors hold data, not sizes.
inline constexpr std::size_t kLongestIntegerValues = 256;

}  // namespace mcompress
