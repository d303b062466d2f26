// The convolution sum for one output channel of one sample, over any element and accumulator types.
#pragma once

#include <cstdint>

#include "engine/reference/window.h"

namespace mcompress::reference {

/// One input channel's contribution: acc[out plane] += Σ over taps of (x - x_zero) · (w - w_zero). Padding counts as x_zero.
template <typename X, typename W, typename Acc>
void add_channel(const SlidingWindow& window, const X* x, Acc x_zero, const W* w, Acc w_zero, Acc* acc) {
    for (std::int64_t kd = 0; kd < window.kernel[0]; ++kd) {
        const auto planes = window.valid_outputs(0, kd);
        for (std::int64_t kh = 0; kh < window.kernel[1]; ++kh) {
            const auto rows = window.valid_outputs(1, kh);
            for (std::int64_t kw = 0; kw < window.kernel[2]; ++kw) {
                const auto columns = window.valid_outputs(2, kw);
                const Acc weight = static_cast<Acc>(*w++) - w_zero;
                const std::int64_t count = columns.end - columns.begin, step = window.stride[2];
                for (std::int64_t od = planes.begin; od < planes.end; ++od) {
                    for (std::int64_t oh = rows.begin; oh < rows.end; ++oh) {
                        const std::int64_t row = window.position(0, od, kd) * window.in[1] + window.position(1, oh, kh);
                        const X* from = x + row * window.in[2] + window.position(2, columns.begin, kw);
                        Acc* to = acc + (od * window.out[1] + oh) * window.out[2] + columns.begin;
                        if (step == 1)
                            for (std::int64_t i = 0; i < count; ++i) to[i] += weight * (static_cast<Acc>(from[i]) - x_zero);
                        else
                            for (std::int64_t i = 0; i < count; ++i) to[i] += weight * (static_cast<Acc>(from[i * step]) - x_zero);
                    }
                }
            }
        }
    }
}

/// The parts of a grouped convolution's shapes.
struct ConvSizes {
    std::int64_t batch = 0, in_channels = 0, out_channels = 0, groups = 1;
    std::int64_t group_inputs() const { return in_channels / groups; }
    std::int64_t group_outputs() const { return out_channels / groups; }
};

/// Multiplications above which a kernel is worth more than one thread.
inline constexpr std::int64_t kWorthThreads = std::int64_t{1} << 20;

}  // namespace mcompress::reference
