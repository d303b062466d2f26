// Attributes of the pooling family: MaxPool, AveragePool, LpPool, GlobalLpPool.
#pragma once

#include "ops/window.h"

namespace mcompress {

enum class StorageOrder { RowMajor, ColumnMajor };

/// MaxPool, AveragePool, LpPool. Fields an operator does not have keep their default.
struct PoolAttrs {
    WindowAttrs window;
    bool count_include_pad = false;                       // AveragePool
    StorageOrder storage_order = StorageOrder::RowMajor;  // of MaxPool's Indices
    double p = 2.0;                                       // LpPool

    static PoolAttrs read(const Node& node);
    /// For input [N, C, spatial …]. Throws kShapeInvalid when the kernel does not fit.
    Window geometry(const Shape& input) const;
};

struct GlobalLpPoolAttrs {
    double p = 2.0;
    static GlobalLpPoolAttrs read(const Node& node);
};

struct RoiPoolAttrs {  // MaxRoiPool
    std::vector<std::int64_t> pooled_shape;
    float spatial_scale = 1.0F;
    static RoiPoolAttrs read(const Node& node);
};

}  // namespace mcompress
