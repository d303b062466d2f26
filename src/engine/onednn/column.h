// Convolutions over a column of points, as exporters write those over sequences. oneDNN walks along the last axis, whose one point is too few to be fast; with
// channels last the same memory is a row of points.
#pragma once

#include <utility>

#include "ops/window.h"
#include "tensor/shape.h"

namespace mcompress::onednn {

/// Whether a convolution from `source` to `destination` runs along the axis before the last alone.
inline bool is_column(const Window& window, const Shape& source, const Shape& destination) {
    const auto has_one_point = [](const WindowAxis& axis) {
        return axis.kernel == 1 && axis.stride == 1 && axis.pad_begin == 0 && axis.pad_end == 0;
    };
    return source.rank() == 4 && source[3] == 1 && destination[3] == 1 && source[2] > 1 && has_one_point(window[1]);
}

/// The last two axes change places.
inline Shape turned(const Shape& shape) {
    std::vector<std::int64_t> dims = shape.dims();
    std::swap(dims[dims.size() - 1], dims[dims.size() - 2]);
    return Shape(std::move(dims));
}
inline Window turned(Window window) {
    std::swap(window[0], window[1]);
    return window;
}

}  // namespace mcompress::onednn
