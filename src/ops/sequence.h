// Attributes of the operators on sequences and optionals, and arithmetic on their types.
#pragma once

#include <optional>
#include <vector>

#include "ops/attributes.h"
#include "ops/infer_rules.h"

namespace mcompress {

struct ConcatFromSequenceAttrs {
    enum class Joins { AlongAxis, AlongNewAxis };
    std::int64_t axis = 0;
    Joins joins = Joins::AlongAxis;
    static ConcatFromSequenceAttrs read(const Node& node);
};

struct SequenceEmptyAttrs {
    DType dtype = DType::Float32;
    static SequenceEmptyAttrs read(const Node& node);
};

/// Body: one element of every sequence, tensors as they are → one element of every output.
struct SequenceMapAttrs {
    Graph* body = nullptr;  // never null after read()
    static SequenceMapAttrs read(const Node& node);
};

struct SplitToSequenceAttrs {
    enum class SplitAxis { Keep, Drop };  // Drop has a meaning only where no lengths are given
    std::int64_t axis = 0;
    SplitAxis split_axis = SplitAxis::Keep;
    static SplitToSequenceAttrs read(const Node& node);
};

/// Sequences split off a tensor have at most that many elements.
inline constexpr std::int64_t kMostSequenceElements = std::int64_t{1} << 24;

/// Lengths along an axis of `extent` that `split` asks for: a scalar is the length of all parts but the last, a vector holds them all.
/// Nothing when they do not fit or are too many.
std::optional<std::vector<std::int64_t>> split_lengths(std::int64_t extent, const Shape& split_shape, std::span<const std::int64_t> split);

// ---- types ----
ValueType sequence_of(ValueType element);
ValueType optional_of(ValueType element);
/// Of a sequence or an optional; unknown when nothing is known of it.
ValueType element_type(const ValueType& type);
/// What holds of a value that is either of two: where they differ nothing is known.
ValueType either_type(const ValueType& a, const ValueType& b);
/// The type without shapes: those of a carried value may change from one iteration to the next.
ValueType without_shape(const ValueType& type);

}  // namespace mcompress
