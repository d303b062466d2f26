#include "engine/onednn/int8_elementwise.h"

#include <algorithm>

#include "quant/affine.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mcompress::onednn {

namespace {

std::int32_t code_of(std::byte bits, DType dtype) {
    const auto code = std::to_integer<std::uint8_t>(bits);
    return dtype == DType::UInt8 ? code : static_cast<std::int8_t>(code);
}

float combine(float a, float b, CodeArithmetic operation) {
    return operation == CodeArithmetic::Add ? a + b : operation == CodeArithmetic::Sub ? a - b : a * b;
}

void quantize_plain(const float* from, std::int64_t count, const QuantParams& params, QuantRange range, std::byte* to) {
    for (std::int64_t at = 0; at < count; ++at)
        to[at] = static_cast<std::byte>(quantize_value(from[at], params.scale, params.zero_point, range));
}

void compute_plain(const std::byte* a, const std::byte* b, std::int64_t count, const BinaryCodes& codes, std::byte* to) {
    for (std::int64_t at = 0; at < count; ++at) {
        float value = combine(dequantize_value(code_of(a[at], codes.a.dtype), codes.a.scale, codes.a.zero_point),
                              dequantize_value(code_of(b[at], codes.b.dtype), codes.b.scale, codes.b.zero_point), codes.operation);
        if (value < 0.0F && codes.slope != 1.0F) value *= codes.slope;
        to[at] = static_cast<std::byte>(quantize_value(value, codes.result.scale, codes.result.zero_point, codes.range));
    }
}

void dequantize_plain(const std::byte* from, std::int64_t count, const QuantParams& params, float* to) {
    for (std::int64_t at = 0; at < count; ++at) to[at] = dequantize_value(code_of(from[at], params.dtype), params.scale, params.zero_point);
}

#if defined(__x86_64__)

#define MCOMPRESS_AVX2 __attribute__((target("avx2")))

bool has_avx2() { return __builtin_cpu_supports("avx2"); }

struct VectorParams {
    __m256 scale, lowest, highest;
    __m256i zero_point;
};

MCOMPRESS_AVX2 inline VectorParams spread(const QuantParams& params, QuantRange range) {
    return {_mm256_set1_ps(params.scale), _mm256_set1_ps(static_cast<float>(range.min - params.zero_point)),
            _mm256_set1_ps(static_cast<float>(range.max - params.zero_point)), _mm256_set1_epi32(params.zero_point)};
}

MCOMPRESS_AVX2 inline __m256i quantize8(__m256 value, const VectorParams& p) {
    const __m256 scaled = _mm256_div_ps(value, p.scale);
    // A NaN becomes 0 here and the zero point after.
    const __m256 ordered = _mm256_and_ps(scaled, _mm256_cmp_ps(scaled, scaled, _CMP_ORD_Q));
    return _mm256_add_epi32(_mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(ordered, p.lowest), p.highest)), p.zero_point);
}

/// Sixteen 32-bit codes in range → bytes.
MCOMPRESS_AVX2 inline void store16(__m256i low, __m256i high, DType dtype, std::byte* to) {
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xD8);
    const __m128i a = _mm256_castsi256_si128(words), b = _mm256_extracti128_si256(words, 1);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), dtype == DType::UInt8 ? _mm_packus_epi16(a, b) : _mm_packs_epi16(a, b));
}

MCOMPRESS_AVX2 inline __m256 dequantize8(const std::byte* from, DType dtype, const VectorParams& p) {
    const __m128i codes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
    const __m256i wide = dtype == DType::UInt8 ? _mm256_cvtepu8_epi32(codes) : _mm256_cvtepi8_epi32(codes);
    return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(wide, p.zero_point)), p.scale);
}

MCOMPRESS_AVX2 std::int64_t quantize_avx2(const float* from, std::int64_t count, const QuantParams& params, QuantRange range,
                                          std::byte* to) {
    const VectorParams p = spread(params, range);
    std::int64_t at = 0;
    for (; at + 16 <= count; at += 16)
        store16(quantize8(_mm256_loadu_ps(from + at), p), quantize8(_mm256_loadu_ps(from + at + 8), p), params.dtype, to + at);
    return at;
}

MCOMPRESS_AVX2 std::int64_t dequantize_avx2(const std::byte* from, std::int64_t count, const QuantParams& params, float* to) {
    const VectorParams p = spread(params, {0, 0});
    std::int64_t at = 0;
    for (; at + 8 <= count; at += 8) _mm256_storeu_ps(to + at, dequantize8(from + at, params.dtype, p));
    return at;
}

template <CodeArithmetic kOperation>
MCOMPRESS_AVX2 std::int64_t compute_avx2(const std::byte* a, const std::byte* b, std::int64_t count, const BinaryCodes& codes,
                                         std::byte* to) {
    const VectorParams pa = spread(codes.a, {0, 0}), pb = spread(codes.b, {0, 0}), result = spread(codes.result, codes.range);
    const __m256 slope = _mm256_set1_ps(codes.slope);
    std::int64_t at = 0;
    for (; at + 16 <= count; at += 16) {
        __m256i done[2];
#pragma GCC unroll 2
        for (int half = 0; half < 2; ++half) {
            const __m256 x = dequantize8(a + at + half * 8, codes.a.dtype, pa), y = dequantize8(b + at + half * 8, codes.b.dtype, pb);
            __m256 value = kOperation == CodeArithmetic::Add   ? _mm256_add_ps(x, y)
                           : kOperation == CodeArithmetic::Sub ? _mm256_sub_ps(x, y)
                                                               : _mm256_mul_ps(x, y);
            if (codes.slope != 1.0F) value = _mm256_blendv_ps(value, _mm256_mul_ps(value, slope), value);
            done[half] = quantize8(value, result);
        }
        store16(done[0], done[1], codes.result.dtype, to + at);
    }
    return at;
}

MCOMPRESS_AVX2 std::int64_t add_avx2(const std::byte* from, std::int64_t count, DType dtype, std::int32_t* sums) {
    std::int64_t at = 0;
    for (; at + 8 <= count; at += 8) {
        const __m128i codes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from + at));
        const __m256i wide = dtype == DType::UInt8 ? _mm256_cvtepu8_epi32(codes) : _mm256_cvtepi8_epi32(codes);
        auto* place = reinterpret_cast<__m256i*>(sums + at);
        _mm256_storeu_si256(place, _mm256_add_epi32(_mm256_loadu_si256(place), wide));
    }
    return at;
}

/// 64 at a time: the table in four registers, two looked up by the lower seven bits, the upper bit chooses. How many of `count` are done.
__attribute__((target("avx512bw,avx512vbmi"))) std::int64_t look_up_vbmi(const std::byte* from, std::int64_t count, const CodeTable& table,
                                                                         std::byte* to) {
    __m512i part[4];
    for (int at = 0; at < 4; ++at) part[at] = _mm512_loadu_si512(table.data() + at * 64);
    std::int64_t at = 0;
    for (; at + 64 <= count; at += 64) {
        const __m512i codes = _mm512_loadu_si512(from + at);
        const __m512i low = _mm512_permutex2var_epi8(part[0], codes, part[1]), high = _mm512_permutex2var_epi8(part[2], codes, part[3]);
        _mm512_storeu_si512(to + at, _mm512_mask_blend_epi8(_mm512_movepi8_mask(codes), low, high));
    }
    return at;
}

/// For each register of three rows in turn, and each row: the place of every byte in it, -1 for those of other rows.
struct TriplePlaces {
    alignas(16) std::int8_t of[3][3][16];
};
constexpr TriplePlaces triple_places() {
    TriplePlaces places{};
    for (int part = 0; part < 3; ++part)
        for (int row = 0; row < 3; ++row)
            for (int at = 0; at < 16; ++at) {
                const int byte = part * 16 + at;
                places.of[part][row][at] = static_cast<std::int8_t>(byte % 3 == row ? byte / 3 : -1);
            }
    return places;
}

/// Three rows of bytes as triples, sixteen at a time; how many are done.
__attribute__((target("ssse3"))) std::int64_t interleave3_ssse3(const std::byte* const* rows, std::int64_t count, std::byte* to) {
    static constexpr TriplePlaces kPlaces = triple_places();
    const auto place = [](int part, int row) { return _mm_load_si128(reinterpret_cast<const __m128i*>(kPlaces.of[part][row])); };
    std::int64_t at = 0;
    for (; at + 16 <= count; at += 16) {
        __m128i loaded[3];
        for (int row = 0; row < 3; ++row) loaded[row] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[row] + at));
        for (int part = 0; part < 3; ++part)
            _mm_storeu_si128(
                reinterpret_cast<__m128i*>(to + at * 3 + part * 16),
                _mm_or_si128(_mm_or_si128(_mm_shuffle_epi8(loaded[0], place(part, 0)), _mm_shuffle_epi8(loaded[1], place(part, 1))),
                             _mm_shuffle_epi8(loaded[2], place(part, 2))));
    }
    return at;
}

std::int64_t interleave3(const std::byte* const* rows, std::int64_t count, std::byte* to) {
    return __builtin_cpu_supports("ssse3") ? interleave3_ssse3(rows, count, to) : 0;
}

std::int64_t look_up_wide(const std::byte* from, std::int64_t count, const CodeTable& table, std::byte* to) {
    return __builtin_cpu_supports("avx512vbmi") ? look_up_vbmi(from, count, table, to) : 0;
}

#else

std::int64_t interleave3(const std::byte* const*, std::int64_t, std::byte*) { return 0; }
std::int64_t look_up_wide(const std::byte*, std::int64_t, const CodeTable&, std::byte*) { return 0; }
bool has_avx2() { return false; }
std::int64_t quantize_avx2(const float*, std::int64_t, const QuantParams&, QuantRange, std::byte*) { return 0; }
std::int64_t dequantize_avx2(const std::byte*, std::int64_t, const QuantParams&, float*) { return 0; }
template <CodeArithmetic kOperation>
std::int64_t compute_avx2(const std::byte*, const std::byte*, std::int64_t, const BinaryCodes&, std::byte*) {
    return 0;
}
std::int64_t add_avx2(const std::byte*, std::int64_t, DType, std::int32_t*) { return 0; }

#endif

}  // namespace

void quantize_elements(const float* from, std::int64_t count, const QuantParams& params, std::byte* to) {
    const QuantRange range = integer_range(params.dtype);
    const std::int64_t done = has_avx2() ? quantize_avx2(from, count, params, range, to) : 0;
    quantize_plain(from + done, count - done, params, range, to + done);
}

void quantize_transposed(const float* from, std::int64_t channels, std::int64_t points, std::int64_t stride, const QuantParams& params,
                         std::byte* to) {
    constexpr std::int64_t kStrip = 256, kRows = 3;
    std::byte strips[kRows][kStrip];
    const std::byte* rows[kRows] = {strips[0], strips[1], strips[2]};
    for (std::int64_t first = 0; first < points; first += kStrip) {
        const std::int64_t count = std::min(kStrip, points - first);
        for (std::int64_t begin = 0; begin < channels; begin += kRows) {
            const std::int64_t together = std::min(kRows, channels - begin);
            for (std::int64_t row = 0; row < together; ++row)
                quantize_elements(from + (begin + row) * stride + first, count, params, strips[row]);
            std::byte* place = to + first * channels + begin;
            std::int64_t at = channels == kRows ? interleave3(rows, count, place) : 0;
            for (place += at * channels; at < count; ++at, place += channels)
                for (std::int64_t row = 0; row < together; ++row) place[row] = strips[row][at];
        }
    }
}

void dequantize_elements(const std::byte* from, std::int64_t count, const QuantParams& params, float* to) {
    const std::int64_t done = has_avx2() ? dequantize_avx2(from, count, params, to) : 0;
    dequantize_plain(from + done, count - done, params, to + done);
}

void compute_codes(const std::byte* a, const std::byte* b, std::int64_t count, const BinaryCodes& codes, std::byte* to) {
    std::int64_t done = 0;
    if (has_avx2()) {
        if (codes.operation == CodeArithmetic::Add) done = compute_avx2<CodeArithmetic::Add>(a, b, count, codes, to);
        else if (codes.operation == CodeArithmetic::Sub) done = compute_avx2<CodeArithmetic::Sub>(a, b, count, codes, to);
        else done = compute_avx2<CodeArithmetic::Mul>(a, b, count, codes, to);
    }
    compute_plain(a + done, b + done, count - done, codes, to + done);
}

void apply_table(const std::byte* from, std::int64_t count, const CodeTable& table, std::byte* to) {
    for (std::int64_t at = look_up_wide(from, count, table, to); at < count; ++at) to[at] = table[std::to_integer<std::size_t>(from[at])];
}

void add_codes(const std::byte* from, std::int64_t count, DType dtype, std::int32_t* sums) {
    for (std::int64_t at = has_avx2() ? add_avx2(from, count, dtype, sums) : 0; at < count; ++at) sums[at] += code_of(from[at], dtype);
}

}  // namespace mcompress::onednn
