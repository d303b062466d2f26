// Sliding windows: what convolution and pooling share. One to three spatial dimensions, held as three.
#pragma once

#include <array>
#include <vector>

#include "engine/reference/kernel.h"
#include "ops/window.h"

namespace mcompress::reference {

using Extents = std::array<std::int64_t, 3>;

/// Per spatial dimension, padded with leading dimensions of extent 1.
struct SlidingWindow {
    int rank = 0;
    Extents in{1, 1, 1}, out{1, 1, 1}, kernel{1, 1, 1}, stride{1, 1, 1}, dilation{1, 1, 1}, pad_begin{0, 0, 0}, pad_end{0, 0, 0};

    std::int64_t in_size() const { return in[0] * in[1] * in[2]; }
    std::int64_t out_size() const { return out[0] * out[1] * out[2]; }
    std::int64_t kernel_size() const { return kernel[0] * kernel[1] * kernel[2]; }
    /// The spatial output dimensions, `rank` of them, behind `leading` ones.
    Shape output_shape(std::int64_t batch, std::int64_t channels) const;
    /// Outputs [begin, end) along `axis` whose tap `k` lies inside the input.
    struct Range {
        std::int64_t begin, end;
    };
    Range valid_outputs(std::size_t axis, std::int64_t k) const;
    /// The input position of tap `k` for output `o`; may lie outside.
    std::int64_t position(std::size_t axis, std::int64_t o, std::int64_t k) const {
        return o * stride[axis] + k * dilation[axis] - pad_begin[axis];
    }
};

/// The window over an input [N, C, spatial…] from its geometry, axis by axis. Rejects more than three spatial dimensions.
SlidingWindow make_window(const KernelContext& context, const Shape& input, const Window& geometry);

/// The same window with dimensions merged, for longer innermost loops: a last dimension that is neither padded, strided nor wider than one
/// tap joins the one before it (whose dilation and padding then count in rows).
SlidingWindow flattened(const SlidingWindow& window);

}  // namespace mcompress::reference
