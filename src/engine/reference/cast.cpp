// Cast and CastLike.
#include <algorithm>
#include <charconv>
#include <clocale>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/small_floats.h"
#include "ops/elementwise.h"
#include "support/error.h"
#include "support/plain_text.h"

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

/// What a number too large or too small for a double becomes: from_chars does not tell the two apart.
double out_of_range(const std::string& text) {
    static const locale_t kLocale = newlocale(LC_ALL_MASK, "C", nullptr);
    return strtod_l(text.c_str(), nullptr, kLocale);
}

/// Numbers as C writes them; infinity and NaN in any case.
double parse_number(const KernelContext& context, const std::string& given) {
    std::string text = to_lower(given);
    if (text.starts_with('+')) text.erase(0, 1);
    if (text == "nan" || text == "-nan") return std::numeric_limits<double>::quiet_NaN();
    if (text == "inf" || text == "infinity") return std::numeric_limits<double>::infinity();
    if (text == "-inf" || text == "-infinity") return -std::numeric_limits<double>::infinity();
    double value = 0.0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool is_whole = result.ptr == text.data() + text.size() && !text.empty();
    if (result.ec == std::errc::result_out_of_range && is_whole) return out_of_range(text);
    if (result.ec != std::errc{} || !is_whole) context.reject(format("'{}' is no number", given));
    return value;
}

/// As integers where the text is one (a double cannot hold every int64), as double otherwise.
Tensor parse_all(const KernelContext& context, const Tensor& x, DType to) {
    std::vector<std::int64_t> whole;
    std::vector<double> values;
    for (const std::string& text : x.strings()) {
        std::int64_t value = 0;
        const char* first = text.data() + (text.starts_with('+') ? 1 : 0);
        const auto result = std::from_chars(first, text.data() + text.size(), value);
        if (result.ec == std::errc{} && result.ptr == text.data() + text.size()) whole.push_back(value);
        values.push_back(parse_number(context, text));
    }
    const bool wants_integers = is_signed_integer(to) || is_unsigned_integer(to);
    return wants_integers && whole.size() == values.size() ? Tensor::from_values(x.shape(), whole) : Tensor::from_values(x.shape(), values);
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

/// -8…7 or 0…15 (and so on): integers by cutting off high bits, floats by the nearest that there is (ties to even), as onnx.subbyte does.
Tensor narrow(const KernelContext& context, const Tensor& given, DType to) {
    Tensor x = given;
    if (is_float(x.dtype())) {
        x = cast_plain(context, given, DType::Float64);
        const int bits = to == DType::Int4 || to == DType::UInt4 ? 4 : 2;
        const double least = is_signed_integer(to) ? -std::ldexp(1.0, bits - 1) : 0.0, most = least + std::ldexp(1.0, bits) - 1.0;
        double* const values = x.mutable_data<double>();
        for (std::int64_t i = 0; i < x.element_count(); ++i)
            if (!std::isnan(values[i])) values[i] = std::nearbyint(std::clamp(values[i], least, most));
    }
    return pack_small(cast_plain(context, x, is_signed_integer(to) ? DType::Int8 : DType::UInt8), to);
}

/// Rounded once, from double, which holds every number of the other types but large 64-bit integers. Infinities saturate as large numbers do, also in the
/// types without them: the operator's text says NaN until opset 23, its published data and ONNX Runtime the largest number.
Tensor to_small_float(const KernelContext& context, const CastAttrs& a, const Tensor& x, DType to) {
    const Tensor wide = x.dtype() == DType::Float64 ? x : cast_plain(context, x, DType::Float64);
    return float_to_small(wide, to, a.float8_overflow == CastAttrs::Overflow::Saturates ? FloatOverflow::Saturates : FloatOverflow::Escapes,
                          static_cast<PowerRounding>(a.power_rounding));
}

/// The elements of types that are stored in another form than C++ has.
Tensor plain_elements(const KernelContext& context, const Tensor& x, DType to) {
    if (is_half(x.dtype())) return half_to_float(x);
    if (is_small_float(x.dtype())) return small_to_float(x);
    if (is_small(x.dtype())) return unpack_small(x);
    return x.dtype() == DType::String ? parse_all(context, x, to) : x;
}

void cast(const KernelContext& context) {
    const auto a = attrs<CastAttrs>(context.node);
    const DType to = a.to == DType::Undefined ? context.required(1).dtype() : a.to;
    const Tensor& given = context.required(0);
    if (given.dtype() == to) return context.set_output(0, given);
    context.check_size(to, given.shape());
    const Tensor x = plain_elements(context, given, to);
    if (to == DType::String) context.set_output(0, print_all(context, x));
    else if (is_half(to))
        context.set_output(0, float_to_half(x.dtype() == DType::Float32 ? x : cast_plain(context, x, DType::Float32), to));
    else if (is_small_float(to)) context.set_output(0, to_small_float(context, a, x, to));
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
