// DFT and STFT.
#include <algorithm>

#include "engine/reference/convolve.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/fourier.h"
#include "engine/reference/kernel_families.h"
#include "ops/signal.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress::reference {

namespace {

using Complex = FourierPlan::Complex;
using Transform = DftAttrs::Transform;

/// A plan, refused when its tables would be larger than any output may be.
FourierPlan make_plan(const KernelContext& context, std::int64_t points, bool is_inverse) {
    if (points < 1) context.reject(format("a transform of {} points", points));
    context.check_size(DType::Complex128, Shape{points, 8});
    return {static_cast<std::size_t>(points), is_inverse ? FourierPlan::Direction::Inverse : FourierPlan::Direction::Forward};
}

/// Calls body(line, scratch numbers, scratch numbers) for every line, with threads where it pays.
template <typename Body> void for_each_line(const KernelContext& context, std::int64_t lines, const FourierPlan& plan, Body&& body) {
    constexpr std::size_t kLinesAtOnce = 16;
    const auto points = static_cast<std::int64_t>(plan.length());
    const std::int64_t work = lines * points * 8;
    parallel_chunks(static_cast<std::size_t>(lines), kLinesAtOnce, work > kWorthThreads ? context.threads : 1,
                    [&](std::size_t, std::size_t begin, std::size_t end) {
                        std::vector<Complex> from(plan.length()), to(plan.length());
                        for (std::size_t line = begin; line < end; ++line) body(static_cast<std::int64_t>(line), from, to);
                    });
}

/// The signal as [outer, extent, inner, parts]; parts is 1 for real numbers, 2 for complex ones.
struct Signal {
    std::int64_t outer, extent, inner, parts;

    Signal(const Shape& shape, int axis)
        : outer(shape.product(0, axis)),
          extent(shape[axis]),
          inner(shape.product(axis + 1, shape.rank() - 1)),
          parts(shape[shape.rank() - 1]) {}
};

int transformed_axis(const KernelContext& context, const DftAttrs& a, const Shape& shape) {
    const int rank = shape.rank();
    if (rank < 2 || (shape[rank - 1] != 1 && shape[rank - 1] != 2))
        context.reject(format("an input of shape {} holds neither real nor complex numbers", shape.to_string()));
    const std::int64_t named = a.axis ? *a.axis : context.has_input(2) ? integer(context, context.input(2)) : -2;
    const int axis = checked_axis(context, named, rank);
    if (axis == rank - 1) context.reject(format("axis {} holds real and imaginary parts", named));
    return axis;
}

/// One line of the input, cut or padded with zeros; for HalfToReal the other half is the conjugate.
template <typename T> void read_line(const T* from, const Signal& s, Transform transform, std::vector<Complex>& line) {
    const auto points = static_cast<std::int64_t>(line.size());
    const std::int64_t wanted = transform == Transform::HalfToReal ? points / 2 + 1 : points;
    const std::int64_t count = std::min(s.extent, wanted), step = s.inner * s.parts;
    std::fill(line.begin(), line.end(), Complex{});
    for (std::int64_t i = 0; i < count; ++i)
        line[static_cast<std::size_t>(i)] = {static_cast<double>(from[i * step]),
                                             s.parts == 2 ? static_cast<double>(from[i * step + 1]) : 0.0};
    if (transform != Transform::HalfToReal) return;
    line[0] = line[0].real();
    for (std::int64_t i = 1; 2 * i <= points; ++i)
        line[static_cast<std::size_t>(points - i)] =
            2 * i == points ? Complex(line[static_cast<std::size_t>(i)].real()) : std::conj(line[static_cast<std::size_t>(i)]);
}

void dft(const KernelContext& context) {
    const auto a = attrs<DftAttrs>(context.node);
    const Tensor& x = context.required(0);
    const int axis = transformed_axis(context, a, x.shape());
    const Signal s(x.shape(), axis);
    if (a.transform == Transform::RealToHalf && s.parts == 2) context.reject("half a spectrum does not describe complex numbers");
    if (a.transform == Transform::HalfToReal && s.parts == 1) context.reject("a spectrum has complex numbers");
    const std::int64_t implied = a.transform == Transform::HalfToReal ? 2 * (s.extent - 1) : s.extent;
    const std::int64_t points = context.has_input(1) ? integer(context, context.input(1)) : implied;
    const FourierPlan plan = make_plan(context, points, a.is_inverse());
    const std::int64_t kept = a.transform == Transform::RealToHalf ? points / 2 + 1 : points;
    const std::int64_t parts = a.transform == Transform::HalfToReal ? 1 : 2;
    std::vector<std::int64_t> dims = x.shape().dims();
    dims[static_cast<std::size_t>(axis)] = kept;
    dims.back() = parts;
    const double factor = a.is_inverse() ? 1.0 / static_cast<double>(points) : 1.0;
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        T* to = context.make_output(0, x.dtype(), Shape(dims)).template mutable_data<T>();
        for_each_line(context, s.outer * s.inner, plan, [&](std::int64_t line, std::vector<Complex>& in, std::vector<Complex>& out) {
            const std::int64_t o = line / s.inner, i = line % s.inner;
            read_line(x.data<T>() + (o * s.extent * s.inner + i) * s.parts, s, a.transform, in);
            plan.run(in, out);
            T* target = to + (o * kept * s.inner + i) * parts;
            for (std::int64_t k = 0; k < kept; ++k, target += s.inner * parts) {
                target[0] = static_cast<T>(out[static_cast<std::size_t>(k)].real() * factor);
                if (parts == 2) target[1] = static_cast<T>(out[static_cast<std::size_t>(k)].imag() * factor);
            }
        });
    });
}

/// The window as double, ones without one.
std::vector<double> window_values(const KernelContext& context, std::int64_t frame) {
    if (!context.has_input(2)) return std::vector<double>(static_cast<std::size_t>(frame), 1.0);
    const Tensor& window = context.input(2);
    if (window.shape() != Shape{frame}) context.reject(format("a window of shape {} for frames of {}", window.shape().to_string(), frame));
    std::vector<double> values;
    dispatch(Floats{}, context, window.dtype(), [&]<typename T>() { values.assign(window.values<T>().begin(), window.values<T>().end()); });
    return values;
}

void stft(const KernelContext& context) {
    const bool is_half = attrs<StftAttrs>(context.node).spectrum == StftAttrs::Spectrum::Half;
    const Tensor& x = context.required(0);
    const bool is_bare = x.shape().rank() == 2;  // as PyTorch writes real numbers
    if (!is_bare && (x.shape().rank() != 3 || x.shape()[2] < 1 || x.shape()[2] > 2))
        context.reject(format("a signal of shape {}, expected [batch, length], or [batch, length, 1 or 2]", x.shape().to_string()));
    const std::int64_t batch = x.shape()[0], length = x.shape()[1], parts = is_bare ? 1 : x.shape()[2];
    if (is_half && parts == 2) context.reject("half a spectrum does not describe complex numbers");
    const std::int64_t step = integer(context, context.required(1));
    if (step < 1) context.reject(format("frames {} apart", step));
    const std::int64_t frame = context.has_input(3)   ? integer(context, context.input(3))
                               : context.has_input(2) ? context.input(2).element_count()
                                                      : length;
    const FourierPlan plan = make_plan(context, frame, false);
    const std::vector<double> window = window_values(context, frame);
    const std::int64_t frames = length < frame ? 0 : (length - frame) / step + 1, kept = is_half ? frame / 2 + 1 : frame;
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        T* to = context.make_output(0, x.dtype(), Shape{batch, frames, kept, 2}).template mutable_data<T>();
        for_each_line(context, batch * frames, plan, [&](std::int64_t line, std::vector<Complex>& in, std::vector<Complex>& out) {
            const T* from = x.data<T>() + (line / frames * length + line % frames * step) * parts;
            for (std::size_t i = 0; i < in.size(); ++i, from += parts)
                in[i] = {window[i] * static_cast<double>(from[0]), parts == 2 ? window[i] * static_cast<double>(from[1]) : 0.0};
            plan.run(in, out);
            T* target = to + line * kept * 2;
            for (std::int64_t k = 0; k < kept; ++k) {
                target[2 * k] = static_cast<T>(out[static_cast<std::size_t>(k)].real());
                target[2 * k + 1] = static_cast<T>(out[static_cast<std::size_t>(k)].imag());
            }
        });
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "DFT", widened<dft>},
    {"", "STFT", widened<stft>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> fourier_kernels() { return kRows; }

}  // namespace mcompress::reference
