// Writing by index: ScatterElements, Scatter (its old name) and ScatterND.
#include <algorithm>
#include <type_traits>
#include <utility>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/strided.h"
#include "ops/indexing.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

using Reduction = ScatterAttrs::Reduction;

std::int64_t checked_index(const KernelContext& context, std::int64_t index, std::int64_t extent) {
    const std::int64_t wrapped = index < 0 ? index + extent : index;
    if (wrapped < 0 || wrapped >= extent) context.reject(format("index {} lies outside an axis of {} elements", index, extent));
    return wrapped;
}

/// Where each update element goes, as an offset into the data.
using Targets = std::vector<std::int64_t>;

/// Integers wrap around.
template <typename T> using Wrapping = std::conditional_t<std::is_floating_point_v<T>, T, std::uint64_t>;

template <typename T> T combine(Reduction reduction, T old, T update) {
    switch (reduction) {
        case Reduction::Add: return static_cast<T>(static_cast<Wrapping<T>>(old) + static_cast<Wrapping<T>>(update));
        case Reduction::Mul: return static_cast<T>(static_cast<Wrapping<T>>(old) * static_cast<Wrapping<T>>(update));
        case Reduction::Min: return std::min(old, update);
        case Reduction::Max: return std::max(old, update);
        case Reduction::None: break;
    }
    return update;
}

/// Applies runs of `block` elements of the updates to a copy of the data, in order.
void apply(const KernelContext& context, Reduction reduction, const Targets& targets, std::int64_t block) {
    const Tensor &x = context.required(0), &updates = context.required(2);
    if (updates.dtype() != x.dtype()) context.reject_dtype(updates.dtype());
    if (updates.element_count() != static_cast<std::int64_t>(targets.size()) * block)
        context.reject(format("updates of shape {} do not fit the indices", updates.shape().to_string()));
    Tensor y = x;
    std::byte* bytes = y.mutable_bytes();
    if (reduction == Reduction::None) {
        dispatch_size(context, x.dtype(), [&]<typename T>() {
            const T* from = reinterpret_cast<const T*>(updates.bytes());
            for (const std::int64_t target : targets)
                std::copy_n(std::exchange(from, from + block), block, reinterpret_cast<T*>(bytes) + target);
        });
    } else {
        dispatch(TypeList<float, double, std::int32_t, std::int64_t, std::uint32_t, std::uint64_t>{}, context, x.dtype(),
                 [&]<typename T>() {
                     const T* from = updates.data<T>();
                     for (const std::int64_t target : targets)
                         for (std::int64_t i = 0; i < block; ++i, ++from) {
                             T& place = reinterpret_cast<T*>(bytes)[target + i];
                             place = combine(reduction, place, *from);
                         }
                 });
    }
    context.set_output(0, std::move(y));
}

void scatter_elements(const KernelContext& context) {
    const auto a = attrs<ScatterAttrs>(context.node);
    const Tensor &x = context.required(0), &given = context.required(1);
    const int axis = checked_axis(context, a.axis, x.shape().rank());
    const Shape& shape = given.shape();
    if (shape.rank() != x.shape().rank()) context.reject("data and indices differ in rank");
    for (int i = 0; i < shape.rank(); ++i)
        if (i != axis && shape[i] > x.shape()[i])
            context.reject(format("indices {} do not fit data {}", shape.to_string(), x.shape().to_string()));
    const std::vector<std::int64_t> indices = integers(context, given);
    Strides strides = x.shape().strides();
    const std::int64_t axis_step = strides[static_cast<std::size_t>(axis)];
    strides[static_cast<std::size_t>(axis)] = 0;
    Targets targets;
    const StridedLoop<1> loop(shape, {strides});
    loop.run([&](const auto& offset) {
        for (std::int64_t i = 0; i < loop.inner_size(); ++i) {
            const std::int64_t index = checked_index(context, indices[targets.size()], x.shape()[axis]);
            targets.push_back(offset[0] + i * loop.inner_steps()[0] + index * axis_step);
        }
    });
    apply(context, a.reduction, targets, 1);
}

void scatter_nd(const KernelContext& context) {
    const Tensor &x = context.required(0), &given = context.required(1);
    if (given.shape().rank() < 1) context.reject("the indices need at least one axis");
    const std::int64_t depth = given.shape()[given.shape().rank() - 1];
    if (depth > x.shape().rank()) context.reject("an index has more coordinates than the data has axes");
    const std::vector<std::int64_t> indices = integers(context, given);
    const Strides strides = x.shape().strides();
    const std::int64_t tuples = given.shape().product(0, given.shape().rank() - 1);
    Targets targets;
    auto index = indices.begin();
    for (std::int64_t tuple = 0; tuple < tuples; ++tuple) {
        std::int64_t offset = 0;
        for (std::int64_t k = 0; k < depth; ++k, ++index)
            offset += checked_index(context, *index, x.shape()[static_cast<int>(k)]) * strides[static_cast<std::size_t>(k)];
        targets.push_back(offset);
    }
    apply(context, attrs<ScatterAttrs>(context.node).reduction, targets, x.shape().product(static_cast<int>(depth), x.shape().rank()));
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Scatter", moving<scatter_elements>},
    {"", "ScatterElements", moving<scatter_elements>},
    {"", "ScatterND", moving<scatter_nd>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> scatter_kernels() { return kRows; }

}  // namespace mcompress::reference
