// What is known about a value before it is computed: its kind, element type and, as far as known, its dimensions.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace mcompress {

/// One dimension: a known extent, a symbol ("batch"), or nothing known.
class Dim {
public:
    Dim() = default;
    Dim(std::int64_t extent) : extent_(extent) {}  // NOLINT: a number is a dimension
    explicit Dim(std::string symbol) : symbol_(std::move(symbol)) {}

    bool is_known() const { return extent_ >= 0; }
    bool is_symbol() const { return !symbol_.empty(); }
    std::int64_t extent() const { return extent_; }  // -1 when not known
    const std::string& symbol() const { return symbol_; }
    /// Both known and equal, or the same symbol.
    bool operator==(const Dim&) const = default;
    std::string to_string() const;

private:
    std::int64_t extent_ = -1;
    std::string symbol_;
};

using Dims = std::vector<Dim>;

struct ValueType {
    enum class Kind { Unknown, Tensor, SparseTensor, Sequence, Optional, Map, Opaque };

    Kind kind = Kind::Unknown;
    DType dtype = DType::Undefined;            // of a tensor; the key type of a map
    std::optional<Dims> dims;                  // absent: the rank is unknown
    std::shared_ptr<const ValueType> element;  // of a sequence, optional or map
    std::string extra;                         // serialized fields that mcompress does not interpret (denotations, opaque types)

    static ValueType tensor(DType dtype) { return {Kind::Tensor, dtype, std::nullopt, nullptr, {}}; }
    static ValueType tensor(DType dtype, Dims dims) { return {Kind::Tensor, dtype, std::move(dims), nullptr, {}}; }
    static ValueType tensor(DType dtype, const Shape& shape) {
        return {Kind::Tensor, dtype, Dims(shape.begin(), shape.end()), nullptr, {}};
    }

    bool is_tensor() const { return kind == Kind::Tensor; }
    bool has_rank() const { return dims.has_value(); }
    int rank() const { return static_cast<int>(dims->size()); }
    /// The shape when the rank and every dimension are known.
    std::optional<Shape> shape() const;
    bool operator==(const ValueType& other) const;
    /// "float[batch,3,224,224]", "float[...]" for an unknown rank, "?" for an unknown type.
    std::string to_string() const;
};

}  // namespace mcompress
