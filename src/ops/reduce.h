// Attributes of reductions: ReduceX, ArgMax, ArgMin, CumSum, TopK.
#pragma once

#include "ops/attributes.h"

namespace mcompress {

/// ReduceSum and its kin. Axes are an attribute until opset 17 (ReduceSum: 12), input 1 after.
struct ReduceAttrs {
    enum class EmptyAxes { ReduceAll, Identity };

    IntegersSource axes;
    bool keeps_dims = true;
    EmptyAxes empty_axes = EmptyAxes::ReduceAll;  // what absent or empty axes mean (noop_with_empty_axes)

    static ReduceAttrs read(const Node& node);
    /// The reduced axes of an input of that rank, ascending, each once. `given` is the list of axes (of the attribute or the input), empty when
    /// absent. Throws kShapeInvalid when one is out of range.
    std::vector<int> resolve(int rank, const std::vector<std::int64_t>& given) const;
};

struct ArgReduceAttrs {
    enum class Ties { First, Last };
    std::int64_t axis = 0;
    bool keeps_dims = true;
    Ties ties = Ties::First;  // select_last_index
    static ArgReduceAttrs read(const Node& node);
};

/// CumSum; the axis is input 1.
struct CumSumAttrs {
    bool exclusive = false;
    bool reverse = false;
    static CumSumAttrs read(const Node& node);
};

struct TopKAttrs {
    enum class Order { Largest, Smallest };
    IntegersSource k;  // one element; an attribute before opset 10
    std::int64_t axis = -1;
    Order order = Order::Largest;
    bool sorted = true;
    static TopKAttrs read(const Node& node);
};

}  // namespace mcompress
