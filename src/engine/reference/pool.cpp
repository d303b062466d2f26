// Pooling over windows and over whole planes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/window.h"
#include "ops/pool.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress::reference {

namespace {

struct Prepared {
    PoolAttrs attrs;
    SlidingWindow window;
    std::int64_t planes = 0;
    Shape output;
};

Prepared prepare(const KernelContext& context) {
    const Shape& shape = context.required(0).shape();
    Prepared p{attrs<PoolAttrs>(context.node), {}, 0, {}};
    p.window = make_window(context, shape, p.attrs.geometry(shape));
    p.planes = shape.product(0, 2);
    p.output = p.window.output_shape(shape[0], shape[1]);
    return p;
}

/// Taps [begin, end) of a window that lie inside the input, along one axis.
struct Taps {
    std::int64_t begin, end, start;  // start: the position of tap 0

    Taps(const SlidingWindow& window, std::size_t axis, std::int64_t output) : start(window.position(axis, output, 0)) {
        const std::int64_t dilation = window.dilation[axis];
        begin = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
        end = window.in[axis] <= start ? 0 : std::min(window.kernel[axis], (window.in[axis] - start + dilation - 1) / dilation);
        end = std::max(begin, end);
    }
};

/// Calls visit(position in the plane) for each input element of the window, and tells how many there were.
template <typename Visit>
std::int64_t visit_window(const SlidingWindow& window, const Taps& d, const Taps& h, const Taps& w, Visit&& visit) {
    for (std::int64_t kd = d.begin; kd < d.end; ++kd)
        for (std::int64_t kh = h.begin; kh < h.end; ++kh) {
            const std::int64_t plane = d.start + kd * window.dilation[0];
            const std::int64_t row = (plane * window.in[1] + h.start + kh * window.dilation[1]) * window.in[2];
            for (std::int64_t kw = w.begin; kw < w.end; ++kw) visit(row + w.start + kw * window.dilation[2]);
        }
    return (d.end - d.begin) * (h.end - h.begin) * (w.end - w.begin);
}

/// Calls body(output position, taps of the three axes) for every output of a plane.
template <typename Body> void for_each_output(const SlidingWindow& window, Body&& body) {
    std::int64_t at = 0;
    for (std::int64_t od = 0; od < window.out[0]; ++od) {
        const Taps d(window, 0, od);
        for (std::int64_t oh = 0; oh < window.out[1]; ++oh) {
            const Taps h(window, 1, oh);
            for (std::int64_t ow = 0; ow < window.out[2]; ++ow) body(at++, d, h, Taps(window, 2, ow));
        }
    }
}

/// Runs body(plane) for all planes; with threads where it pays.
template <typename Body> void for_each_plane(const KernelContext& context, const Prepared& p, Body&& body) {
    if (p.output.element_count() == 0) return;
    const double work = static_cast<double>(p.output.element_count()) * static_cast<double>(p.window.kernel_size());
    parallel_for(static_cast<std::size_t>(p.planes), work > (1 << 20) ? context.threads : 1,
                 [&](int, std::size_t plane) { body(static_cast<std::int64_t>(plane)); });
}

/// Index of an element of the whole input tensor, as MaxPool's second output wants it.
std::int64_t stored_index(const Prepared& p, std::int64_t plane, std::int64_t position) {
    const Extents& in = p.window.in;
    if (p.attrs.storage_order == StorageOrder::RowMajor) return plane * p.window.in_size() + position;
    const std::int64_t w = position % in[2], h = position / in[2] % in[1], d = position / in[2] / in[1];
    return plane * p.window.in_size() + d + in[0] * (h + in[1] * w);
}

void max_pool(const KernelContext& context) {
    const Tensor& x = context.required(0);
    const Prepared p = prepare(context);
    std::int64_t* indices = context.wants_output(1) ? context.make_output(1, DType::Int64, p.output).mutable_data<std::int64_t>() : nullptr;
    dispatch(TypeList<float, double, std::uint8_t, std::int8_t>{}, context, x.dtype(), [&]<typename T>() {
        T* to = context.make_output(0, x.dtype(), p.output).mutable_data<T>();
        for_each_plane(context, p, [&](std::int64_t plane) {
            const T* from = x.data<T>() + plane * p.window.in_size();
            for_each_output(p.window, [&](std::int64_t at, const Taps& d, const Taps& h, const Taps& w) {
                T best = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
                std::int64_t where = -1;
                visit_window(p.window, d, h, w, [&](std::int64_t position) {
                    const T value = from[position];
                    if (where >= 0 && !(value > best) && value == value) return;
                    best = value;
                    where = position;
                });
                to[plane * p.window.out_size() + at] = best;
                if (indices) indices[plane * p.window.out_size() + at] = where < 0 ? -1 : stored_index(p, plane, where);
            });
        });
    });
}

/// Elements of the window that count with count_include_pad: those inside the input and its padding, not what ceil_mode adds beyond.
std::int64_t padded_count(const SlidingWindow& window, const Taps& d, const Taps& h, const Taps& w) {
    std::int64_t count = 1, axis = 0;
    for (const Taps* taps : {&d, &h, &w}) {
        const auto i = static_cast<std::size_t>(axis++);
        const std::int64_t room = window.in[i] + window.pad_end[i] - taps->start;
        count *= std::clamp<std::int64_t>((room + window.dilation[i] - 1) / window.dilation[i], 0, window.kernel[i]);
    }
    return count;
}

void average_pool(const KernelContext& context) {
    const Tensor& x = context.required(0);
    const Prepared p = prepare(context);
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        T* to = context.make_output(0, x.dtype(), p.output).mutable_data<T>();
        for_each_plane(context, p, [&](std::int64_t plane) {
            const T* from = x.data<T>() + plane * p.window.in_size();
            for_each_output(p.window, [&](std::int64_t at, const Taps& d, const Taps& h, const Taps& w) {
                double sum = 0.0;
                std::int64_t count = visit_window(p.window, d, h, w, [&](std::int64_t i) { sum += static_cast<double>(from[i]); });
                if (p.attrs.count_include_pad) count = padded_count(p.window, d, h, w);
                to[plane * p.window.out_size() + at] = count > 0 ? static_cast<T>(sum / static_cast<double>(count)) : T{};
            });
        });
    });
}

void lp_pool(const KernelContext& context) {
    const Tensor& x = context.required(0);
    const Prepared p = prepare(context);
    const double power = p.attrs.p;
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        T* to = context.make_output(0, x.dtype(), p.output).mutable_data<T>();
        for_each_plane(context, p, [&](std::int64_t plane) {
            const T* from = x.data<T>() + plane * p.window.in_size();
            for_each_output(p.window, [&](std::int64_t at, const Taps& d, const Taps& h, const Taps& w) {
                double sum = 0.0;
                visit_window(p.window, d, h, w, [&](std::int64_t i) { sum += std::pow(std::abs(static_cast<double>(from[i])), power); });
                to[plane * p.window.out_size() + at] = static_cast<T>(std::pow(sum, 1.0 / power));
            });
        });
    });
}

/// Reduces every plane [N, C, spatial…] to one element with finish(fold over elements).
template <typename Fold> void global_pool(const KernelContext& context, Fold fold) {
    const Tensor& x = context.required(0);
    if (x.shape().rank() < 2) context.reject(format("an input of shape {} has no channels", x.shape().to_string()));
    std::vector<std::int64_t> dims(static_cast<std::size_t>(x.shape().rank()), 1);
    dims[0] = x.shape()[0];
    dims[1] = x.shape()[1];
    const std::int64_t planes = x.shape().product(0, 2), size = x.shape().product(2, x.shape().rank());
    if (size == 0) context.reject("there is nothing to pool");
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        T* to = context.make_output(0, x.dtype(), Shape(dims)).template mutable_data<T>();
        for (std::int64_t plane = 0; plane < planes; ++plane)
            to[plane] = static_cast<T>(fold(std::span<const T>(x.data<T>() + plane * size, static_cast<std::size_t>(size))));
    });
}

void global_average_pool(const KernelContext& context) {
    global_pool(context, [](auto values) {
        double sum = 0.0;
        for (const auto value : values) sum += static_cast<double>(value);
        return sum / static_cast<double>(values.size());
    });
}

void global_max_pool(const KernelContext& context) {
    global_pool(context, [](auto values) { return *std::max_element(values.begin(), values.end()); });
}

void global_lp_pool(const KernelContext& context) {
    const double power = attrs<GlobalLpPoolAttrs>(context.node).p;
    global_pool(context, [&](auto values) {
        double sum = 0.0;
        for (const auto value : values) sum += std::pow(std::abs(static_cast<double>(value)), power);
        return std::pow(sum, 1.0 / power);
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "AveragePool", widened<average_pool>},
    {"", "GlobalAveragePool", widened<global_average_pool>},
    {"", "GlobalLpPool", widened<global_lp_pool>},
    {"", "GlobalMaxPool", widened<global_max_pool>},
    {"", "LpPool", widened<lp_pool>},
    {"", "MaxPool", widened<max_pool>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> pool_kernels() { return kRows; }

}  // namespace mcompress::reference
