#include "onnx/sparse_tensor.h"

#include "support/error.h"

namespace mcompress {

namespace {

constexpr std::int64_t kMostElements = std::int64_t{1} << 32;

[[noreturn]] void refuse(const std::string& message) {
    throw Error(codes::kTensorInvalid, message, "export the model again, or store the tensor densely");
}

std::int64_t dense_elements(const onnx::SparseTensorProto& proto) {
    std::int64_t count = 1;
    for (const std::int64_t extent : proto.dims()) {
        if (extent < 0) refuse(format("an extent is {}", extent));
        if (extent > 0 && count > kMostElements / extent)
            throw Error(codes::kTooLarge, format("its dense form has more than {} elements", kMostElements), "such a tensor is not read");
        count *= extent;
    }
    return count;
}

/// Position in the dense tensor of one row of coordinates.
std::int64_t position_of(std::span<const std::int64_t> coordinates, const onnx::SparseTensorProto& proto) {
    std::int64_t position = 0;
    for (std::size_t axis = 0; axis < coordinates.size(); ++axis) {
        const std::int64_t extent = proto.dims(static_cast<int>(axis)), at = coordinates[axis];
        if (at < 0 || at >= extent) refuse(format("index {} is outside of axis {} of extent {}", at, axis, extent));
        position = position * extent + at;
    }
    return position;
}

}  // namespace

void check_sparse_tensor(const onnx::SparseTensorProto& proto) {
    const std::int64_t elements = dense_elements(proto);
    onnx::TensorProto values = proto.values(), indices = proto.indices();
    const Shape found = take_tensor(values, {}).shape();
    if (found.rank() != 1) refuse(format("its values have the shape {}, expected a list", found.to_string()));
    const std::int64_t count = found[0];
    if (count == 0 && proto.indices().dims_size() == 0) return;
    const Tensor positions = take_tensor(indices, {});
    const Shape& shape = positions.shape();
    if (positions.dtype() != DType::Int64) refuse(format("its indices are {}, expected int64", dtype_name(positions.dtype())));
    const bool is_linear = shape.rank() == 1;
    if (!is_linear && (shape.rank() != 2 || shape[1] != proto.dims_size()))
        refuse(
            format("its indices have the shape {}, expected one number or {} coordinates a value", shape.to_string(), proto.dims_size()));
    if (shape[0] != count) refuse(format("it has {} values and {} indices", count, shape[0]));
    const std::span<const std::int64_t> all = positions.values<std::int64_t>();
    const std::size_t width = is_linear ? 1 : static_cast<std::size_t>(shape[1]);
    std::int64_t last = -1;
    for (std::size_t at = 0; at < static_cast<std::size_t>(count); ++at) {
        const std::int64_t position = is_linear ? all[at] : position_of(all.subspan(at * width, width), proto);
        if (position < 0 || position >= elements) refuse(format("index {} is outside of its {} elements", position, elements));
        if (position <= last) refuse(format("index {} follows {}, expected ascending ones", position, last));
        last = position;
    }
}

}  // namespace mcompress
