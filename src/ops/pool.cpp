// MaxPool, AveragePool, LpPool, their global forms, MaxUnpool, MaxRoiPool.
#include "ops/pool.h"

#include "ops/infer_rules.h"
#include "ops/rows.h"
#include "ops/window_dims.h"

namespace mcompress {

namespace {

void infer_pool(InferContext& context) {
    const PoolAttrs attrs = PoolAttrs::read(context.node());
    const ValueType& input = context.input(0);
    const auto spatial_rank = attrs.window.kernel_shape.size();
    Dims output = unknown_dims(static_cast<int>(spatial_rank) + 2);
    if (const Dims* dims = dims_of_rank(context, 0, static_cast<int>(spatial_rank) + 2)) {
        output = *dims;
        for (std::size_t axis = 0; axis < spatial_rank; ++axis)
            output[axis + 2] = window_dim(attrs.window, static_cast<int>(axis), (*dims)[axis + 2], attrs.window.kernel_shape[axis]);
    }
    if (context.node().is("MaxPool")) context.set_output(1, ValueType::tensor(DType::Int64, output));
    context.set_output(0, ValueType::tensor(input.dtype, std::move(output)));
}

void infer_global_pool(InferContext& context) {
    const ValueType& input = context.input(0);
    if (!input.has_rank()) return context.set_output(0, tensor_of(input.dtype));
    if (input.rank() < 2) context.reject(format("the input has rank {}, expected at least 2", input.rank()));
    Dims output(input.dims->size(), Dim(1));
    output[0] = (*input.dims)[0];
    output[1] = (*input.dims)[1];
    context.set_output(0, ValueType::tensor(input.dtype, std::move(output)));
}

void infer_roi_pool(InferContext& context) {
    const RoiPoolAttrs attrs = RoiPoolAttrs::read(context.node());
    Dims output = unknown_dims(4);
    if (const Dims* dims = dims_of_rank(context, 0, 4)) output[1] = (*dims)[1];
    if (const Dims* rois = dims_of_rank(context, 1, 2)) output[0] = (*rois)[0];
    output[2] = attrs.pooled_shape[0];
    output[3] = attrs.pooled_shape[1];
    context.set_output(0, ValueType::tensor(context.input(0).dtype, std::move(output)));
}

// The inverse of MaxPool: stride (input - 1) + kernel - pads, unless output_shape (input 2) says more.
void infer_max_unpool(InferContext& context) {
    const PoolAttrs attrs = PoolAttrs::read(context.node());
    const auto spatial_rank = attrs.window.kernel_shape.size();
    const Dims* dims = dims_of_rank(context, 0, static_cast<int>(spatial_rank) + 2);
    Dims output = dims ? *dims : unknown_dims(static_cast<int>(spatial_rank) + 2);
    TransposedWindowAttrs window{attrs.window, {}, {}};
    window.window.dilations.clear();
    for (std::size_t axis = 0; axis < spatial_rank; ++axis)
        output[axis + 2] = transposed_window_dim(window, static_cast<int>(axis), output[axis + 2], attrs.window.kernel_shape[axis]);
    if (context.has_input(2)) {
        const auto given = context.sizes(2);
        if (const Dims* entries = dims_of_rank(context, 2, 1);
            entries && (*entries)[0].is_known() && (*entries)[0].extent() != static_cast<std::int64_t>(output.size()))
            context.reject(format("the output shape has {} entries for {} axes", (*entries)[0].extent(), output.size()));
        for (std::size_t axis = 0; axis < output.size(); ++axis)
            output[axis] = given && axis < given->size() ? (*given)[axis].dim() : Dim();
    }
    context.set_output(0, ValueType::tensor(context.input(0).dtype, std::move(output)));
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "AveragePool", 1, 1, 1, 1, 1, infer_pool, check_attrs<PoolAttrs>},
    {"", "AveragePool", 7, 1, 1, 1, 1, infer_pool, check_attrs<PoolAttrs>},
    {"", "AveragePool", 10, 1, 1, 1, 1, infer_pool, check_attrs<PoolAttrs>},
    {"", "AveragePool", 11, 1, 1, 1, 1, infer_pool, check_attrs<PoolAttrs>},
    {"", "AveragePool", 19, 1, 1, 1, 1, infer_pool, check_attrs<PoolAttrs>},
    {"", "AveragePool", 22, 1, 1, 1, 1, infer_pool, check_attrs<PoolAttrs>},
    {"", "GlobalAveragePool", 1, 1, 1, 1, 1, infer_global_pool},
    {"", "GlobalAveragePool", 22, 1, 1, 1, 1, infer_global_pool},
    {"", "GlobalLpPool", 1, 1, 1, 1, 1, infer_global_pool, check_attrs<GlobalLpPoolAttrs>},
    {"", "GlobalLpPool", 2, 1, 1, 1, 1, infer_global_pool, check_attrs<GlobalLpPoolAttrs>},
    {"", "GlobalLpPool", 22, 1, 1, 1, 1, infer_global_pool, check_attrs<GlobalLpPoolAttrs>},
    {"", "GlobalMaxPool", 1, 1, 1, 1, 1, infer_global_pool, nullptr, nullptr, DataFlow::Selects},
    {"", "GlobalMaxPool", 22, 1, 1, 1, 1, infer_global_pool, nullptr, nullptr, DataFlow::Selects},
    {"", "LpPool", 1, 1, 1, 1, 1, infer_pool, check_attrs<PoolAttrs>},
    {"", "LpPool", 2, 1, 1, 1, 1, infer_pool, check_attrs<PoolAttrs>},
    {"", "LpPool", 11, 1, 1, 1, 1, infer_pool, check_attrs<PoolAttrs>},
    {"", "LpPool", 18, 1, 1, 1, 1, infer_pool, check_attrs<PoolAttrs>},
    {"", "LpPool", 22, 1, 1, 1, 1, infer_pool, check_attrs<PoolAttrs>},
    {"", "MaxPool", 1, 1, 1, 1, 1, infer_pool, check_attrs<PoolAttrs>, nullptr, DataFlow::Selects},
    {"", "MaxPool", 8, 1, 1, 1, 2, infer_pool, check_attrs<PoolAttrs>, nullptr, DataFlow::Selects},
    {"", "MaxPool", 10, 1, 1, 1, 2, infer_pool, check_attrs<PoolAttrs>, nullptr, DataFlow::Selects},
    {"", "MaxPool", 11, 1, 1, 1, 2, infer_pool, check_attrs<PoolAttrs>, nullptr, DataFlow::Selects},
    {"", "MaxPool", 12, 1, 1, 1, 2, infer_pool, check_attrs<PoolAttrs>, nullptr, DataFlow::Selects},
    {"", "MaxPool", 22, 1, 1, 1, 2, infer_pool, check_attrs<PoolAttrs>, nullptr, DataFlow::Selects},
    {"", "MaxRoiPool", 1, 2, 2, 1, 1, infer_roi_pool, check_attrs<RoiPoolAttrs>, nullptr, DataFlow::Selects},
    {"", "MaxRoiPool", 22, 2, 2, 1, 1, infer_roi_pool, check_attrs<RoiPoolAttrs>, nullptr, DataFlow::Selects},
    {"", "MaxUnpool", 9, 2, 3, 1, 1, infer_max_unpool, check_attrs<PoolAttrs>},
    {"", "MaxUnpool", 11, 2, 3, 1, 1, infer_max_unpool, check_attrs<PoolAttrs>},
    {"", "MaxUnpool", 22, 2, 3, 1, 1, infer_max_unpool, check_attrs<PoolAttrs>},
};
// clang-format on

}  // namespace

std::span<const OpInfo> pool_rows() { return kRows; }

}  // namespace mcompress
