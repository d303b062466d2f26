#include "engine/reference/window.h"

#include <algorithm>

#include "support/error.h"

namespace mcompress::reference {

namespace {

std::int64_t ceil_divide(std::int64_t a, std::int64_t b) { return a / b + (a % b > 0 ? 1 : 0); }

}  // namespace

Shape SlidingWindow::output_shape(std::int64_t batch, std::int64_t channels) const {
    std::vector<std::int64_t> dims{batch, channels};
    dims.insert(dims.end(), out.end() - rank, out.end());
    return Shape(std::move(dims));
}

SlidingWindow::Range SlidingWindow::valid_outputs(std::size_t axis, std::int64_t k) const {
    const std::int64_t shift = k * dilation[axis] - pad_begin[axis];  // position = o·stride + shift
    const std::int64_t begin = shift >= 0 ? 0 : ceil_divide(-shift, stride[axis]);
    const std::int64_t end = in[axis] - shift <= 0 ? 0 : ceil_divide(in[axis] - shift, stride[axis]);
    return {std::min(begin, out[axis]), std::max(std::min(begin, out[axis]), std::min(end, out[axis]))};
}

SlidingWindow make_window(const KernelContext& context, const Shape& input, const Window& geometry) {
    SlidingWindow window;
    window.rank = static_cast<int>(geometry.size());
    if (window.rank < 1 || window.rank > 3)
        context.reject(format("an input of shape {} has no one to three spatial dimensions", input.to_string()));
    for (int i = 0; i < window.rank; ++i) {
        const auto axis = static_cast<std::size_t>(3 - window.rank + i);
        const WindowAxis& from = geometry[static_cast<std::size_t>(i)];
        window.in[axis] = input[2 + i];
        window.out[axis] = from.output;
        window.kernel[axis] = from.kernel;
        window.stride[axis] = from.stride;
        window.dilation[axis] = from.dilation;
        window.pad_begin[axis] = from.pad_begin;
        window.pad_end[axis] = from.pad_end;
    }
    return window;
}

SlidingWindow flattened(const SlidingWindow& window) {
    SlidingWindow flat = window;
    for (int merges = 0; merges < 2; ++merges) {
        const bool is_plain = flat.kernel[2] == 1 && flat.stride[2] == 1 && flat.pad_begin[2] == 0 && flat.pad_end[2] == 0;
        const std::int64_t width = flat.in[2];
        if (!is_plain || (flat.stride[1] != 1 && width != 1)) return flat;
        flat.in[2] = flat.in[1] * width;
        flat.out[2] = flat.out[1] * width;
        flat.kernel[2] = flat.kernel[1];
        flat.stride[2] = flat.stride[1];
        flat.dilation[2] = flat.dilation[1] * width;
        flat.pad_begin[2] = flat.pad_begin[1] * width;
        flat.pad_end[2] = flat.pad_end[1] * width;
        for (Extents* extents : {&flat.in, &flat.out, &flat.kernel, &flat.stride, &flat.dilation, &flat.pad_begin, &flat.pad_end}) {
            (*extents)[1] = (*extents)[0];
            (*extents)[0] = extents == &flat.pad_begin || extents == &flat.pad_end ? 0 : 1;
        }
    }
    return flat;
}

}  // namespace mcompress::reference
