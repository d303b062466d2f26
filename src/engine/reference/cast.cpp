// Cast and CastLike.
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/elementwise.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

using Castable = TypeList<float, double, std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t, std::uint32_t,
                          std::uint64_t, bool>;

/// Floats are cut off towards zero; what lies outside int64 (which ONNX leaves open) saturates there and NaN gives 0, then integers wrap.
template <typename To, typename From> To convert(From value) {
    if constexpr (std::is_same_v<To, bool>) {
        return value != From{};
    } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
        if (std::isnan(value)) return 0;
        if constexpr (std::is_same_v<To, std::uint64_t>)
            if (value >= static_cast<From>(9223372036854775808.0))
                return value >= static_cast<From>(18446744073709551616.0) ? std::numeric_limits<To>::max() : static_cast<To>(value);
        if (value >= static_cast<From>(9223372036854775808.0)) return static_cast<To>(std::numeric_limits<std::int64_t>::max());
        if (value <= static_cast<From>(-9223372036854775808.0)) return static_cast<To>(std::numeric_limits<std::int64_t>::min());
        return static_cast<To>(static_cast<std::int64_t>(value));
    } else {
        return static_cast<To>(value);
    }
}

bool is_half(DType dtype) { return dtype == DType::Float16 || dtype == DType::BFloat16; }
bool is_small(DType dtype) { return dtype == DType::Int4 || dtype == DType::UInt4 || dtype == DType::Int2 || dtype == DType::UInt2; }

Tensor cast_plain(const KernelContext& context, const Tensor& x, DType to) {
    Tensor y = Tensor::uninitialized(to, x.shape());
    dispatch(Castable{}, context, x.dtype(), [&]<typename From>() {
        dispatch(Castable{}, context, to, [&]<typename To>() {
            const From* source = x.data<From>();
            To* target = y.mutable_data<To>();
            for (std::int64_t i = 0; i < x.element_count(); ++i) target[i] = convert<To>(source[i]);
        });
    });
    return y;
}

double parse_number(const KernelContext& context, const std::string& text) {
    if (text == "NaN" || text == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (text == "INF" || text == "+INF" || text == "inf") return std::numeric_limits<double>::infinity();
    if (text == "-INF" || text == "-inf") return -std::numeric_limits<double>::infinity();
    double value = 0.0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec == std::errc::result_out_of_range) return text.starts_with('-') ? -HUGE_VAL : HUGE_VAL;
    if (result.ec != std::errc{} || result.ptr != text.data() + text.size()) context.reject(format("'{}' is no number", text));
    return value;
}

Tensor parse_all(const KernelContext& context, const Tensor& x) {
    std::vector<double> values;
    for (const std::string& text : x.strings()) values.push_back(parse_number(context, text));
    return Tensor::from_values(x.shape(), values);
}

/// The shortest text that reads back as the same number; NaN and infinities as ONNX spells them.
template <typename T> std::string number_text(T value) {
    if constexpr (std::is_floating_point_v<T>) {
        if (std::isnan(value)) return "NaN";
        if (std::isinf(value)) return value > 0 ? "INF" : "-INF";
    }
    if constexpr (std::is_same_v<T, bool>) {
        return value ? "True" : "False";
    } else {
        char buffer[64];
        const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
        return {buffer, result.ptr};
    }
}

Tensor print_all(const KernelContext& context, const Tensor& x) {
    std::vector<std::string> texts;
    dispatch(Castable{}, context, x.dtype(), [&]<typename T>() {
        for (std::int64_t i = 0; i < x.element_count(); ++i) texts.push_back(number_text(x.data<T>()[i]));
    });
    return Tensor::from_strings(x.shape(), std::move(texts));
}

/// -8…7 or 0…15 (and so on) by cutting off high bits.
Tensor narrow(const KernelContext& context, const Tensor& x, DType to) {
    return pack_small(cast_plain(context, x, is_signed_integer(to) ? DType::Int8 : DType::UInt8), to);
}

void cast(const KernelContext& context) {
    const auto a = attrs<CastAttrs>(context.node);
    const DType to = a.to == DType::Undefined ? context.required(1).dtype() : a.to;
    Tensor x = context.required(0);
    if (x.dtype() == to) return context.set_output(0, x);
    context.check_size(to, x.shape());
    if (is_half(x.dtype())) x = half_to_float(x);
    else if (is_small(x.dtype())) x = unpack_small(x);
    else if (x.dtype() == DType::String) x = parse_all(context, x);
    if (to == DType::String) context.set_output(0, print_all(context, x));
    else if (is_half(to))
        context.set_output(0, float_to_half(x.dtype() == DType::Float32 ? x : cast_plain(context, x, DType::Float32), to));
    else if (is_small(to)) context.set_output(0, narrow(context, x, to));
    else context.set_output(0, x.dtype() == to ? x : cast_plain(context, x, to));
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Cast", cast},
    {"", "CastLike", cast},
};
// clang-format on

}  // namespace

std::span<const KernelRow> cast_kernels() { return kRows; }

}  // namespace mcompress::reference
