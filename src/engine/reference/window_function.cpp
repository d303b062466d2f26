// HannWindow, HammingWindow, BlackmanWindow and MelWeightMatrix.
#include <cmath>
#include <numbers>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/signal.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

/// Output 0 = values as `dtype`; integers are cut off.
void set_values(const KernelContext& context, DType dtype, const Shape& shape, const std::vector<double>& values) {
    const bool is_half = dtype == DType::Float16 || dtype == DType::BFloat16;
    Tensor& y = context.make_output(0, is_half ? DType::Float32 : dtype, shape);
    dispatch(Numbers{}, context, y.dtype(), [&]<typename T>() {
        T* to = y.mutable_data<T>();
        for (std::size_t i = 0; i < values.size(); ++i) to[i] = static_cast<T>(values[i]);
    });
    if (is_half) context.set_output(0, float_to_half(y, dtype));
}

/// A sum of cosines: c[0] - c[1] cos(2πn/N) + c[2] cos(4πn/N), N the number of points, one less when symmetric.
void cosine_window(const KernelContext& context, double c0, double c1, double c2) {
    const auto a = attrs<SignalWindowAttrs>(context.node);
    const std::int64_t size = integer(context, context.required(0));
    if (size < 0) context.reject(format("a window of {} points", size));
    context.check_size(DType::Float64, Shape{size});
    const std::int64_t period = a.form == SignalWindowAttrs::Form::Periodic ? size : size - 1;
    std::vector<double> values(static_cast<std::size_t>(size), 1.0);  // a symmetric window of one point is its peak
    for (std::size_t n = 0; n < values.size() && period > 0; ++n) {
        const double angle = 2.0 * std::numbers::pi * static_cast<double>(n) / static_cast<double>(period);
        values[n] = c0 - c1 * std::cos(angle) + c2 * std::cos(2.0 * angle);
    }
    set_values(context, a.dtype, Shape{size}, values);
}

void hann_window(const KernelContext& context) { cosine_window(context, 0.5, 0.5, 0.0); }
void hamming_window(const KernelContext& context) { cosine_window(context, 25.0 / 46.0, 21.0 / 46.0, 0.0); }
void blackman_window(const KernelContext& context) { cosine_window(context, 0.42, 0.5, 0.08); }

double number(const KernelContext& context, int index) {
    Tensor x = context.required(index);
    if (x.element_count() != 1) context.reject(format("input {} is not one number", index));
    if (x.dtype() == DType::Float16 || x.dtype() == DType::BFloat16) x = half_to_float(x);
    double value = 0.0;
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() { value = static_cast<double>(x.data<T>()[0]); });
    return value;
}

double mel(double hertz) { return 2595.0 * std::log10(1.0 + hertz / 700.0); }
double hertz(double mel) { return 700.0 * (std::pow(10.0, mel / 2595.0) - 1.0); }

/// The spectrogram bin below each of the bands' edges, which lie equally spaced on the mel scale. As the operator's definition has it, the
/// distance is the range divided by bands + 2.
std::vector<std::int64_t> band_edges(const KernelContext& context, std::int64_t bands, std::int64_t points) {
    const double rate = static_cast<double>(integer(context, context.required(2)));
    const double low = mel(number(context, 3)), high = mel(number(context, 4)), distance = (high - low) / static_cast<double>(bands + 2);
    std::vector<std::int64_t> edges;
    for (std::int64_t i = 0; i < bands + 2; ++i) {
        const double bin = std::floor(static_cast<double>(points + 1) * hertz(low + distance * static_cast<double>(i)) / rate);
        if (!(bin >= 0.0 && bin <= static_cast<double>(points / 2)))
            context.reject("the edges do not lie between 0 and half the sample rate");
        if (!edges.empty() && static_cast<std::int64_t>(bin) < edges.back()) context.reject("the upper edge lies below the lower one");
        edges.push_back(static_cast<std::int64_t>(bin));
    }
    return edges;
}

/// Triangles: from the lower edge up to 1 at the center, down to the next one's center.
void mel_weight_matrix(const KernelContext& context) {
    const std::int64_t bands = integer(context, context.required(0)), points = integer(context, context.required(1));
    if (bands < 0 || points < 0) context.reject(format("{} bands of {} points", bands, points));
    const Shape shape{points / 2 + 1, bands};
    context.check_size(DType::Float64, shape);
    const std::vector<std::int64_t> edges = band_edges(context, bands, points);
    std::vector<double> weights(static_cast<std::size_t>(shape.element_count()), 0.0);
    for (std::int64_t band = 0; band < bands; ++band) {
        const std::int64_t* edge = edges.data() + band;
        const auto set = [&](std::int64_t bin, double value) { weights[static_cast<std::size_t>(bin * bands + band)] = value; };
        const auto rise = static_cast<double>(edge[1] - edge[0]), fall = static_cast<double>(edge[2] - edge[1]);
        for (std::int64_t bin = edge[0]; bin < edge[1]; ++bin) set(bin, static_cast<double>(bin - edge[0]) / rise);
        set(edge[1], 1.0);
        for (std::int64_t bin = edge[1]; bin < edge[2]; ++bin) set(bin, static_cast<double>(edge[2] - bin) / fall);
    }
    set_values(context, attrs<SignalWindowAttrs>(context.node).dtype, shape, weights);
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "BlackmanWindow", blackman_window},
    {"", "HammingWindow", hamming_window},
    {"", "HannWindow", hann_window},
    {"", "MelWeightMatrix", mel_weight_matrix},
};
// clang-format on

}  // namespace

std::span<const KernelRow> window_function_kernels() { return kRows; }

}  // namespace mcompress::reference
