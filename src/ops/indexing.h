// Attributes of operators that pick or place elements by index.
#pragma once

#include "ops/attributes.h"

namespace mcompress {

/// Gather, GatherElements.
struct GatherAttrs {
    std::int64_t axis = 0;
    static GatherAttrs read(const Node& node);
};

struct GatherNdAttrs {
    std::int64_t batch_dims = 0;
    static GatherNdAttrs read(const Node& node);
};

/// Scatter, ScatterElements, ScatterND (which has no axis).
struct ScatterAttrs {
    enum class Reduction { None, Add, Mul, Min, Max };
    std::int64_t axis = 0;
    Reduction reduction = Reduction::None;
    static ScatterAttrs read(const Node& node);
};

/// Depth is input 1.
struct OneHotAttrs {
    std::int64_t axis = -1;
    static OneHotAttrs read(const Node& node);
};

struct CompressAttrs {
    std::optional<std::int64_t> axis;  // absent: the input is flattened first
    static CompressAttrs read(const Node& node);
};

struct TriluAttrs {
    enum class Part { Lower, Upper };
    Part part = Part::Upper;
    static TriluAttrs read(const Node& node);
};

/// The axes are 0 and 1, in either order.
struct ReverseSequenceAttrs {
    std::int64_t batch_axis = 1;
    std::int64_t time_axis = 0;
    static ReverseSequenceAttrs read(const Node& node);
};

struct EyeLikeAttrs {
    DType dtype = DType::Undefined;  // Undefined: that of the input
    std::int64_t k = 0;
    static EyeLikeAttrs read(const Node& node);
};

struct UniqueAttrs {
    enum class Order { Ascending, FirstOccurrence };
    Order order = Order::Ascending;
    std::optional<std::int64_t> axis;  // absent: the input is flattened first
    static UniqueAttrs read(const Node& node);
};

}  // namespace mcompress
