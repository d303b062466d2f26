#include "engine/onednn/faster_kernels.h"

namespace mcompress::onednn {

#if DNNL_VERSION_MAJOR >= 3

std::optional<std::string_view> faster_kernel(const ConvolutionSpec&, std::string_view) { return std::nullopt; }  // not measured

#else

namespace {

/// A convolution over dense windows of a picture.
struct Sizes {
    bool is_integer = false;
    std::int64_t groups = 1, inputs = 0, outputs = 0;  // channels; of one group
    std::int64_t taps = 1, stride = 1, points = 0;     // of the kernel; the larger stride; of the result's plane
};

std::optional<Sizes> sizes_of(const ConvolutionSpec& spec) {
    const Shape source = shape_of(spec.source), weights = shape_of(spec.weights), destination = shape_of(spec.destination);
    if (source.rank() != 4 || spec.dilations != Dims{0, 0}) return std::nullopt;
    const auto type = element_type(spec.source);
    Sizes sizes;
    sizes.is_integer = type == dnnl::memory::data_type::u8 || type == dnnl::memory::data_type::s8;
    if (!sizes.is_integer && type != dnnl::memory::data_type::f32) return std::nullopt;
    sizes.groups = spec.grouped ? weights[0] : 1;
    sizes.inputs = source[1] / sizes.groups;
    sizes.outputs = destination[1] / sizes.groups;
    sizes.taps = weights.product(weights.rank() - 2, weights.rank());
    sizes.stride = std::max(spec.strides[0], spec.strides[1]);
    sizes.points = destination[2] * destination[3];
    return sizes;
}

bool suits_float_depthwise(const Sizes& s) { return !s.is_integer && s.groups <= (s.taps > 9 ? 144 : 384); }

/// Codes of 8 bits. Windows beyond 3 x 3 are unrolled badly over a block of channels that is not whole.
bool suits_integer_depthwise(const Sizes& s) {
    if (!s.is_integer) return false;
    if (s.taps > 9) return s.groups % 16 == 0 && s.groups <= 256;
    return s.stride == 1 ? s.points >= 64 : s.groups <= 96;
}

/// One or two blocks of outputs do not fill what brgconv multiplies at a time.
bool suits_float_window(const Sizes& s) { return !s.is_integer && s.groups == 1 && s.outputs <= (s.inputs > 3 ? 24 : 16); }

/// Where weights are few against the points; large ones are better cut into the panels of brgconv. Of a small picture it is as fast as that only while
/// the weights are at hand: it reads them once a line, and those of a large network come from memory.
bool suits_integer_window(const Sizes& s) {
    return s.is_integer && s.groups == 1 && s.inputs <= (s.stride == 1 && s.points >= 64 ? 144 : 256);
}

/// Products with short sums, or whose last block of outputs is not whole, and those that skip points of the source.
bool suits_integer_pointwise(const Sizes& s) {
    if (!s.is_integer || s.groups != 1) return false;
    if (s.stride > 1 || s.outputs % 16 != 0) return true;
    if (s.outputs < 96) return s.outputs > 16 && s.inputs <= 32;
    return s.outputs < 1024 ? s.inputs <= 160 : s.inputs <= 64 && s.points >= 64;
}

struct Preference {
    std::string_view first, faster;
    bool (*applies)(const Sizes&);
};

// Measured with oneDNN 2.6.3 on Zen 5 with AVX512-VNNI, channels last, one and two threads, over grids of channels and pictures (tests/bench/bench_kernels,
// docs/performance.md).
constexpr Preference kPreferences[] = {
    {"brdgmm_dw:", "jit_dw:", suits_float_depthwise},
    {"brdgmm_dw:", "jit_int8:", suits_integer_depthwise},
    {"brgconv_1x1:", "jit_int8_1x1:", suits_integer_pointwise},
    {"brgconv:", "jit_int8:", suits_integer_window},
    {"brgconv:", "jit:", suits_float_window},
};

}  // namespace

std::optional<std::string_view> faster_kernel(const ConvolutionSpec& spec, std::string_view first) {
    const auto sizes = sizes_of(spec);
    if (!sizes) return std::nullopt;
    for (const Preference& preference : kPreferences)
        if (first.starts_with(preference.first) && preference.applies(*sizes)) return preference.faster;
    return std::nullopt;
}

#endif

}  // namespace mcompress::onednn
