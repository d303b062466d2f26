// Reading by index: Gather, GatherElements, GatherND, OneHot, Compress, Trilu, NonZero.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/ranges.h"
#include "engine/reference/strided.h"
#include "ops/indexing.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

std::int64_t checked_index(const KernelContext& context, std::int64_t index, std::int64_t extent) {
    const std::int64_t wrapped = index < 0 ? index + extent : index;
    if (wrapped < 0 || wrapped >= extent) context.reject(format("index {} lies outside an axis of {} elements", index, extent));
    return wrapped;
}

void gather(const KernelContext& context) {
    const Tensor& x = context.required(0);
    const int axis = checked_axis(context, attrs<GatherAttrs>(context.node).axis, x.shape().rank());
    const Tensor& given = context.required(1);
    std::vector<std::int64_t> indices = integers(context, given);
    for (std::int64_t& index : indices) index = checked_index(context, index, x.shape()[axis]);
    std::vector<std::int64_t> dims(x.shape().begin(), x.shape().begin() + axis);
    dims.insert(dims.end(), given.shape().begin(), given.shape().end());
    dims.insert(dims.end(), x.shape().begin() + axis + 1, x.shape().end());
    const std::int64_t outer = x.shape().product(0, axis), inner = x.shape().product(axis + 1, x.shape().rank());
    const std::size_t bytes = packed_byte_size(x.dtype(), inner);
    std::byte* to = context.make_output(0, x.dtype(), Shape(std::move(dims))).mutable_bytes();
    if (bytes == 0) return;
    const auto picked = static_cast<std::int64_t>(indices.size()), blocks = outer * picked;
    for_ranges(blocks, 1, 2 * blocks * static_cast<std::int64_t>(bytes), context.threads, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t at = begin, count = 0; at < end; at += count) {
            count = std::min(picked - at % picked, end - at);
            gather_rows(to + static_cast<std::size_t>(at) * bytes,
                        x.bytes() + static_cast<std::size_t>(at / picked * x.shape()[axis]) * bytes, bytes, indices.data() + at % picked,
                        count);
        }
    });
}

/// Output element i reads the input at i's own coordinates, but for `axis`, where the index says.
void gather_elements(const KernelContext& context) {
    const Tensor &x = context.required(0), &given = context.required(1);
    const int axis = checked_axis(context, attrs<GatherAttrs>(context.node).axis, x.shape().rank());
    const Shape& shape = given.shape();
    if (shape.rank() != x.shape().rank()) context.reject("data and indices differ in rank");
    for (int i = 0; i < shape.rank(); ++i)
        if (i != axis && shape[i] > x.shape()[i])
            context.reject(format("indices {} do not fit data {}", shape.to_string(), x.shape().to_string()));
    const std::vector<std::int64_t> indices = integers(context, given);
    Strides strides = x.shape().strides();
    const std::int64_t axis_step = strides[static_cast<std::size_t>(axis)];
    strides[static_cast<std::size_t>(axis)] = 0;
    Tensor& y = context.make_output(0, x.dtype(), shape);
    dispatch_size(context, x.dtype(), [&]<typename T>() {
        T* to = reinterpret_cast<T*>(y.mutable_bytes());
        const T* from = reinterpret_cast<const T*>(x.bytes());
        auto index = indices.begin();
        const StridedLoop<1> loop(shape, {strides});
        loop.run([&](const auto& offset) {
            for (std::int64_t i = 0; i < loop.inner_size(); ++i, ++index)
                *to++ = from[offset[0] + i * loop.inner_steps()[0] + checked_index(context, *index, x.shape()[axis]) * axis_step];
        });
    });
}

void gather_nd(const KernelContext& context) {
    const Tensor &x = context.required(0), &given = context.required(1);
    const std::int64_t batch_dims = attrs<GatherNdAttrs>(context.node).batch_dims;
    if (given.shape().rank() < 1 || batch_dims < 0 || batch_dims >= given.shape().rank() || batch_dims >= x.shape().rank())
        context.reject("batch_dims does not fit the ranks");
    const int batch_rank = static_cast<int>(batch_dims), index_rank = given.shape().rank();
    const std::int64_t depth = given.shape()[index_rank - 1];
    if (batch_dims + depth > x.shape().rank()) context.reject("an index has more coordinates than the data has axes");
    const int block_axis = batch_rank + static_cast<int>(depth);
    for (int i = 0; i < batch_rank; ++i)
        if (x.shape()[i] != given.shape()[i]) context.reject("the batch dimensions differ");
    std::vector<std::int64_t> dims(given.shape().begin(), given.shape().end() - 1);
    dims.insert(dims.end(), x.shape().begin() + block_axis, x.shape().end());
    const std::vector<std::int64_t> indices = integers(context, given);
    const Strides strides = x.shape().strides();
    const std::int64_t batches = given.shape().product(0, batch_rank), tuples = given.shape().product(batch_rank, index_rank - 1);
    const std::int64_t block = x.shape().product(block_axis, x.shape().rank()),
                       batch_size = x.shape().product(batch_rank, x.shape().rank());
    const std::size_t bytes = packed_byte_size(x.dtype(), block), unit = packed_byte_size(x.dtype(), 1);
    std::byte* to = context.make_output(0, x.dtype(), Shape(std::move(dims))).mutable_bytes();
    auto index = indices.begin();
    for (std::int64_t tuple = 0; tuple < batches * tuples && bytes > 0; ++tuple) {
        std::int64_t offset = tuple / tuples * batch_size;
        for (std::int64_t k = 0; k < depth; ++k, ++index) {
            const int axis = batch_rank + static_cast<int>(k);
            offset += checked_index(context, *index, x.shape()[axis]) * strides[static_cast<std::size_t>(axis)];
        }
        std::memcpy(to, x.bytes() + static_cast<std::size_t>(offset) * unit, bytes);
        to += bytes;
    }
}

/// Inputs: indices, depth, [off value, on value]. Indices outside [-depth, depth) give no "on".
void one_hot(const KernelContext& context) {
    const Tensor &given = context.required(0), &values = context.required(2);
    const auto number = [&](const Tensor& tensor) {
        std::vector<std::int64_t> result;
        dispatch(Numbers{}, context, tensor.dtype(), [&]<typename T>() {
            for (const T value : tensor.values<T>()) {
                if constexpr (std::is_floating_point_v<T>)
                    if (!(std::abs(value) < static_cast<T>(9e18))) context.reject("an index or depth is no integer");
                result.push_back(static_cast<std::int64_t>(value));
            }
        });
        return result;
    };
    const std::vector<std::int64_t> indices = number(given), depths = number(context.required(1));
    if (depths.size() != 1 || depths[0] < 1 || values.element_count() != 2) context.reject("expected one positive depth and two values");
    const std::int64_t depth = depths[0];
    const int axis = checked_axis(context, attrs<OneHotAttrs>(context.node).axis, given.shape().rank() + 1);
    std::vector<std::int64_t> dims = given.shape().dims();
    dims.insert(dims.begin() + axis, depth);
    const std::int64_t inner = given.shape().product(axis, given.shape().rank());
    Tensor& y = context.make_output(0, values.dtype(), Shape(std::move(dims)));
    dispatch_size(context, values.dtype(), [&]<typename T>() {
        const T* choice = reinterpret_cast<const T*>(values.bytes());
        T* to = reinterpret_cast<T*>(y.mutable_bytes());
        std::fill_n(to, y.element_count(), choice[0]);
        for (std::size_t i = 0; i < indices.size(); ++i) {
            const std::int64_t index = indices[i] < 0 ? indices[i] + depth : indices[i], at = static_cast<std::int64_t>(i);
            if (index >= 0 && index < depth) to[(at / inner * depth + index) * inner + at % inner] = choice[1];
        }
    });
}

void compress(const KernelContext& context) {
    const auto a = attrs<CompressAttrs>(context.node);
    const Tensor x = a.axis ? context.required(0) : context.required(0).reshaped(Shape{context.required(0).element_count()});
    const Tensor& condition = context.required(1);
    if (condition.dtype() != DType::Bool) context.reject_dtype(condition.dtype());
    const int axis = checked_axis(context, a.axis.value_or(0), x.shape().rank());
    std::vector<std::int64_t> kept;
    for (std::int64_t i = 0; i < std::min(condition.element_count(), x.shape()[axis]); ++i)
        if (condition.data<bool>()[i]) kept.push_back(i);
    Shape shape = x.shape();
    shape[axis] = static_cast<std::int64_t>(kept.size());
    const std::int64_t outer = shape.product(0, axis), inner = shape.product(axis + 1, shape.rank());
    const std::size_t bytes = packed_byte_size(x.dtype(), inner);
    std::byte* to = context.make_output(0, x.dtype(), shape).mutable_bytes();
    if (bytes == 0 || kept.empty()) return;
    for (std::int64_t o = 0; o < outer; ++o)
        for (const std::int64_t i : kept)
            to = std::copy_n(x.bytes() + static_cast<std::size_t>(o * x.shape()[axis] + i) * bytes, bytes, to);
}

void trilu(const KernelContext& context) {
    const auto a = attrs<TriluAttrs>(context.node);
    const Tensor& x = context.required(0);
    const int rank = x.shape().rank();
    if (rank < 2) context.reject("expected at least a matrix");
    const std::int64_t k = context.has_input(1) ? integer(context, context.input(1)) : 0;
    const std::int64_t rows = x.shape()[rank - 2], columns = x.shape()[rank - 1], matrices = x.shape().product(0, rank - 2);
    Tensor& y = context.make_output(0, x.dtype(), x.shape());
    if (x.element_count() == 0) return;
    dispatch_size(context, x.dtype(), [&]<typename T>() {
        const T* from = reinterpret_cast<const T*>(x.bytes());
        T* to = reinterpret_cast<T*>(y.mutable_bytes());
        for (std::int64_t row = 0; row < matrices * rows; ++row)
            for (std::int64_t column = 0; column < columns; ++column, ++from, ++to) {
                const bool keeps = a.part == TriluAttrs::Part::Upper ? column - row % rows >= k : column - row % rows <= k;
                *to = keeps ? *from : T{};
            }
    });
}

/// Coordinates of the elements that are not zero, one column an element.
void non_zero(const KernelContext& context) {
    const Tensor& x = context.required(0);
    std::vector<std::int64_t> found;
    dispatch(TypeList<float, double, std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t, std::uint32_t,
                      std::uint64_t, bool>{},
             context, x.dtype(), [&]<typename T>() {
                 for (std::int64_t i = 0; i < x.element_count(); ++i)
                     if (x.data<T>()[i] != T{}) found.push_back(i);
             });
    const Strides strides = x.shape().strides();
    const auto count = static_cast<std::int64_t>(found.size());
    std::int64_t* to = context.make_output(0, DType::Int64, Shape{x.shape().rank(), count}).mutable_data<std::int64_t>();
    for (int axis = 0; axis < x.shape().rank(); ++axis)
        for (const std::int64_t at : found) *to++ = at / strides[static_cast<std::size_t>(axis)] % x.shape()[axis];
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Compress", moving<compress>},
    {"", "Gather", moving<gather>},
    {"", "GatherElements", moving<gather_elements>},
    {"", "GatherND", moving<gather_nd>},
    {"", "NonZero", widened<non_zero>},
    {"", "OneHot", one_hot},
    {"", "Trilu", moving<trilu>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> gather_kernels() { return kRows; }

}  // namespace mcompress::reference
