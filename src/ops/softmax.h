// Attributes of Softmax, LogSoftmax and Hardmax.
#pragma once

#include "ops/attributes.h"

namespace mcompress {

struct SoftmaxAttrs {
    /// Before opset 13 the input is taken as a matrix [axes before `axis`, axes from `axis` on] and each row is normalized; from 13 on the
    /// one axis is.
    enum class Extent { OneAxis, AxisAndFollowing };

    std::int64_t axis = -1;  // may be negative; 1 by default before opset 13
    Extent extent = Extent::OneAxis;

    static SoftmaxAttrs read(const Node& node);
};

}  // namespace mcompress
