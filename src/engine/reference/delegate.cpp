#include "engine/reference/delegate.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "engine/reference/dispatch.h"
#include "engine/reference/strided.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

std::map<std::string_view, KernelFunction> standard_rows() {
    std::map<std::string_view, KernelFunction> rows;
    for (const KernelRow& row : all_reference_kernels())
        if (row.domain.empty()) rows.emplace(row.type, row.run);
    return rows;
}

std::vector<int> axes_of(int rank) {
    std::vector<int> axes(static_cast<std::size_t>(rank));
    std::iota(axes.begin(), axes.end(), 0);
    return axes;
}

}  // namespace

KernelFunction standard_kernel(const KernelContext& context, std::string_view type) {
    static const std::map<std::string_view, KernelFunction> kRows = standard_rows();
    const auto found = kRows.find(type);
    if (found == kRows.end()) fail(codes::kOperatorUnsupported, "{}: {} has no kernel", context.node.label(), type);
    return found->second;
}

std::vector<Tensor> run_standard(const KernelContext& context, std::string_view type, std::span<const Tensor> inputs) {
    std::vector<Tensor> outputs(std::max<std::size_t>(4, static_cast<std::size_t>(context.node.output_count())));
    standard_kernel(context, type)(context.on(inputs, outputs));
    return outputs;
}

Tensor permuted(const KernelContext& context, const Tensor& tensor, const std::vector<int>& axes) {
    const Strides own = tensor.shape().strides();
    std::vector<std::int64_t> dims;
    Strides strides;
    for (const int axis : axes) {
        dims.push_back(tensor.shape()[axis]);
        strides.push_back(own[static_cast<std::size_t>(axis)]);
    }
    Tensor result = Tensor::uninitialized(tensor.dtype(), Shape(std::move(dims)));
    if (result.element_count() == 0) return result;
    dispatch_size(context, tensor.dtype(), [&]<typename T>() {
        copy_strided(reinterpret_cast<T*>(result.mutable_bytes()), reinterpret_cast<const T*>(tensor.bytes()), result.shape(), strides);
    });
    return result;
}

Tensor channels_first(const KernelContext& context, const Tensor& tensor) {
    if (tensor.shape().rank() < 3) return tensor;
    std::vector<int> axes = axes_of(tensor.shape().rank());
    std::rotate(axes.begin() + 1, axes.end() - 1, axes.end());
    return permuted(context, tensor, axes);
}

Tensor channels_last(const KernelContext& context, const Tensor& tensor) {
    if (tensor.shape().rank() < 3) return tensor;
    std::vector<int> axes = axes_of(tensor.shape().rank());
    std::rotate(axes.begin() + 1, axes.begin() + 2, axes.end());
    return permuted(context, tensor, axes);
}

}  // namespace mcompress::reference
