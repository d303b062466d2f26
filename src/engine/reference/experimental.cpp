// Affine, ImageScaler and Crop: experimental operators that old models still carry.
#include "ops/experimental.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/strided.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

void affine(const KernelContext& context) {
    const auto a = attrs<AffineAttrs>(context.node);
    const Tensor& x = context.required(0);
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        T* to = context.make_output(0, x.dtype(), x.shape()).template mutable_data<T>();
        for (std::int64_t i = 0; i < x.element_count(); ++i) to[i] = static_cast<T>(a.alpha) * x.data<T>()[i] + static_cast<T>(a.beta);
    });
}

void image_scaler(const KernelContext& context) {
    const auto a = attrs<ImageScalerAttrs>(context.node);
    const Tensor& x = context.required(0);
    if (x.shape().rank() != 4 || x.shape()[1] != static_cast<std::int64_t>(a.bias.size())) context.reject("expected one bias a channel");
    const std::int64_t size = x.shape()[2] * x.shape()[3];
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        T* to = context.make_output(0, x.dtype(), x.shape()).template mutable_data<T>();
        for (std::int64_t i = 0; i < x.element_count(); ++i)
            to[i] = static_cast<T>(a.scale) * x.data<T>()[i] + static_cast<T>(a.bias[static_cast<std::size_t>(i / size % x.shape()[1])]);
    });
}

void crop(const KernelContext& context) {
    const auto a = attrs<CropAttrs>(context.node);
    const Tensor& x = context.required(0);
    if (x.shape().rank() != 4) context.reject(format("expected rank 4, found {}", x.shape().to_string()));
    const std::int64_t height = a.height.value_or(x.shape()[2] - a.top - a.bottom),
                       width = a.width.value_or(x.shape()[3] - a.left - a.right);
    if (height < 0 || width < 0 || height > x.shape()[2] - a.top || width > x.shape()[3] - a.left)
        context.reject(format("the crop does not fit {}", x.shape().to_string()));
    const Shape shape{x.shape()[0], x.shape()[1], height, width};
    Tensor& y = context.make_output(0, x.dtype(), shape);
    if (shape.element_count() == 0) return;
    dispatch_size(context, x.dtype(), [&]<typename T>() {
        const T* from = reinterpret_cast<const T*>(x.bytes()) + a.top * x.shape()[3] + a.left;
        copy_strided(reinterpret_cast<T*>(y.mutable_bytes()), from, shape, x.shape().strides());
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Affine", widened<affine>},
    {"", "Crop", moving<crop>},
    {"", "ImageScaler", widened<image_scaler>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> experimental_kernels() { return kRows; }

}  // namespace mcompress::reference
