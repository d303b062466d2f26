// CenterCropPad: the middle of a tensor, or the tensor in the middle of zeros.
#include <algorithm>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/strided.h"
#include "ops/shape.h"
#include "ops/vision.h"

namespace mcompress::reference {

namespace {

void center_crop_pad(const KernelContext& context) {
    const Tensor& x = context.required(0);
    const auto target = integers(context, context.required(1));
    const auto listed = resolve_listed_axes(attrs<CenterCropPadAttrs>(context.node).axes, target.size(), x.shape().rank());
    Shape shape = x.shape(), common = x.shape();
    const Strides from_strides = x.shape().strides();
    std::int64_t from_offset = 0;
    for (std::size_t i = 0; i < listed.size(); ++i) {
        shape[listed[i]] = target[i];
        common[listed[i]] = std::min(target[i], x.shape()[listed[i]]);
    }
    Tensor& y = context.make_output(0, x.dtype(), shape);
    const Strides to_strides = shape.strides();
    std::int64_t to_offset = 0;
    for (const int axis : listed) {  // an odd rest lies at the end
        if (common.element_count() == 0) break;
        const auto at = static_cast<std::size_t>(axis);
        from_offset += (x.shape()[axis] - common[axis]) / 2 * from_strides[at];
        to_offset += (shape[axis] - common[axis]) / 2 * to_strides[at];
    }
    dispatch_size(context, x.dtype(), [&]<typename T>() {
        T* to = reinterpret_cast<T*>(y.mutable_bytes());
        const T* from = reinterpret_cast<const T*>(x.bytes());
        std::fill_n(to, y.element_count(), T{});
        if (common.element_count() == 0) return;
        const StridedLoop<2> loop(common, {from_strides, to_strides});
        const auto steps = loop.inner_steps();
        loop.run([&](const auto& offset) {
            for (std::int64_t i = 0; i < loop.inner_size(); ++i)
                to[to_offset + offset[1] + i * steps[1]] = from[from_offset + offset[0] + i * steps[0]];
        });
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "CenterCropPad", moving<center_crop_pad>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> crop_pad_kernels() { return kRows; }

}  // namespace mcompress::reference
