#include "engine/onednn/int8_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mcompress::onednn {

namespace {

// ---- portable ----

std::int16_t read_code(const std::byte* from, CodeType type, std::int32_t zero_point) {
    const auto code = std::to_integer<std::uint8_t>(*from);
    return static_cast<std::int16_t>((type == CodeType::U8 ? code : static_cast<std::int8_t>(code)) - zero_point);
}

void write_block(const std::int32_t* sums, std::byte* destination, const BlockOutput& output) {
    for (std::int64_t column = 0; column < output.columns; ++column) {
        float value = static_cast<float>(sums[column] + output.bias[column]) * output.scales[column];
        if (value < 0.0F) value *= output.slope;
        if (output.type == CodeType::F32) {
            std::memcpy(destination + column * 4, &value, 4);
            continue;
        }
        const float rounded = std::nearbyintf(std::clamp(value, -32000.0F, 32000.0F));
        destination[column] =
            static_cast<std::byte>(std::clamp(static_cast<std::int32_t>(rounded) + output.zero_point, output.lowest, output.highest));
    }
}

std::byte* row_of(const BlockOutput& output, std::int64_t row) {
    return output.destination + row * output.row_elements * (output.type == CodeType::F32 ? 4 : 1);
}

void portable_tile(std::int64_t rows, const TileInput& input, const BlockOutput& output) {
    for (std::int64_t row = 0; row < rows; ++row) {
        std::int32_t sums[kBlock] = {};
        const std::int16_t* weights = input.b;
        for (std::int64_t segment = 0; segment < input.segments; ++segment) {
            const std::int16_t* a = input.a + row * input.row_stride + segment * input.segment_stride;
            for (std::int64_t pair = 0; pair < input.pairs; ++pair, weights += kBlock * 2)
                for (std::int64_t column = 0; column < kBlock; ++column)
                    sums[column] += a[pair * 2] * weights[column * 2] + a[pair * 2 + 1] * weights[column * 2 + 1];
        }
        write_block(sums, row_of(output, row), output);
    }
}

void portable_depthwise(const DepthwiseInput& input, const BlockOutput& output) {
    for (std::int64_t point = 0; point < input.points; ++point) {
        std::int32_t sums[kBlock] = {};
        for (std::int64_t tap = 0; tap < input.pairs * 2; ++tap) {
            const std::int16_t* from = input.lines + input.offsets[tap] + point * input.point_stride;
            for (std::int64_t column = 0; column < output.columns; ++column)
                sums[column] += from[column] * input.weights[(tap / 2 * kBlock + column) * 2 + tap % 2];
        }
        write_block(sums, row_of(output, point), output);
    }
}

void portable_widen(const std::byte* from, std::int64_t count, std::int32_t zero_point, CodeType source, std::int16_t* to) {
    for (std::int64_t at = 0; at < count; ++at) to[at] = read_code(from + at, source, zero_point);
}

constexpr Int8Kernels kPortable{"int8_exact:portable", portable_tile, portable_depthwise, portable_widen};

#if defined(__x86_64__)

// ---- AVX2 ----

#define MCOMPRESS_AVX2 __attribute__((target("avx2")))

/// What a block's results have in common, in registers.
struct VectorOutput {
    __m256 scale0, scale1, slope, limit;
    __m256i bias0, bias1, zero_point;
    __m128i lowest, highest;
    CodeType type;
    bool has_slope, is_whole;
    std::size_t columns;
};

MCOMPRESS_AVX2 inline VectorOutput load_output(const BlockOutput& output) {
    VectorOutput v;
    v.scale0 = _mm256_loadu_ps(output.scales);
    v.scale1 = _mm256_loadu_ps(output.scales + 8);
    v.slope = _mm256_set1_ps(output.slope);
    v.limit = _mm256_set1_ps(32000.0F);  // beyond it the conversion to integers would wrap, below it everything saturates by itself
    v.bias0 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(output.bias));
    v.bias1 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(output.bias + 8));
    v.zero_point = _mm256_set1_epi16(static_cast<std::int16_t>(output.zero_point));
    v.lowest = _mm_set1_epi8(static_cast<char>(output.lowest));
    v.highest = _mm_set1_epi8(static_cast<char>(output.highest));
    v.type = output.type;
    v.has_slope = output.slope != 1.0F;
    v.is_whole = output.columns == kBlock;
    v.columns = static_cast<std::size_t>(output.columns);
    return v;
}

/// `low` and `high` hold sums with the bias.
MCOMPRESS_AVX2 inline void store_block(__m256i low, __m256i high, std::byte* destination, const VectorOutput& v) {
    __m256 y0 = _mm256_mul_ps(_mm256_cvtepi32_ps(low), v.scale0), y1 = _mm256_mul_ps(_mm256_cvtepi32_ps(high), v.scale1);
    if (v.has_slope) {
        y0 = _mm256_blendv_ps(y0, _mm256_mul_ps(y0, v.slope), y0);
        y1 = _mm256_blendv_ps(y1, _mm256_mul_ps(y1, v.slope), y1);
    }
    if (v.type == CodeType::F32) {
        float values[kBlock];
        _mm256_storeu_ps(values, y0);
        _mm256_storeu_ps(values + 8, y1);
        std::memcpy(destination, values, v.columns * 4);
        return;
    }
    const __m256i q0 = _mm256_cvtps_epi32(_mm256_min_ps(y0, v.limit)), q1 = _mm256_cvtps_epi32(_mm256_min_ps(y1, v.limit));
    const __m256i words = _mm256_permute4x64_epi64(_mm256_adds_epi16(_mm256_packs_epi32(q0, q1), v.zero_point), 0xD8);
    const __m128i a = _mm256_castsi256_si128(words), b = _mm256_extracti128_si256(words, 1);
    const __m128i bytes = v.type == CodeType::U8 ? _mm_min_epu8(_mm_max_epu8(_mm_packus_epi16(a, b), v.lowest), v.highest)
                                                 : _mm_min_epi8(_mm_max_epi8(_mm_packs_epi16(a, b), v.lowest), v.highest);
    if (v.is_whole) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(destination), bytes);
        return;
    }
    std::byte codes[kBlock];
    _mm_storeu_si128(reinterpret_cast<__m128i*>(codes), bytes);
    std::memcpy(destination, codes, v.columns);
}

/// Two 16-bit numbers at any even address.
using UnalignedPair __attribute__((aligned(2), may_alias)) = std::int32_t;

/// kHalves: 2 for 9 to 16 output channels, 1 for up to 8.
template <int kRows, int kHalves> MCOMPRESS_AVX2 void avx2_rows(const TileInput& input, const BlockOutput& output) {
    __m256i sums[kRows][2];
#pragma GCC unroll 6
    for (int row = 0; row < kRows; ++row) {
        sums[row][0] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(output.bias));
        sums[row][1] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(output.bias + 8));
    }
    const std::int16_t* b = input.b;
    const std::int64_t stride = input.row_stride;
    for (std::int64_t segment = 0; segment < input.segments; ++segment) {
        const std::int16_t* a = input.a + segment * input.segment_stride;
        for (const std::int16_t* end = a + input.pairs * 2; a != end; a += 2, b += 32) {
            const __m256i b0 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b));
            const __m256i b1 = kHalves == 2 ? _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + 16)) : b0;
#pragma GCC unroll 6
            for (int row = 0; row < kRows; ++row) {
                const UnalignedPair& both = *reinterpret_cast<const UnalignedPair*>(a + row * stride);
                // Written out because the compiler otherwise multiplies all rows first and runs out of registers for the sums.
                __m256i spread, product;
                if constexpr (kHalves == 2)
                    asm("vpbroadcastd %[both], %[spread]\n\t"
                        "vpmaddwd %[b0], %[spread], %[product]\n\t"
                        "vpmaddwd %[b1], %[spread], %[spread]\n\t"
                        "vpaddd %[product], %[sum0], %[sum0]\n\t"
                        "vpaddd %[spread], %[sum1], %[sum1]"
                        : [spread] "=&x"(spread), [product] "=&x"(product), [sum0] "+x"(sums[row][0]), [sum1] "+x"(sums[row][1])
                        : [both] "m"(both), [b0] "x"(b0), [b1] "x"(b1));
                else
                    asm("vpbroadcastd %[both], %[spread]\n\t"
                        "vpmaddwd %[b0], %[spread], %[spread]\n\t"
                        "vpaddd %[spread], %[sum0], %[sum0]"
                        : [spread] "=&x"(spread), [sum0] "+x"(sums[row][0])
                        : [both] "m"(both), [b0] "x"(b0));
            }
        }
    }
    const VectorOutput v = load_output(output);
    std::byte* destination = output.destination;
    const std::int64_t step = output.row_elements * (v.type == CodeType::F32 ? 4 : 1);
#pragma GCC unroll 6
    for (int row = 0; row < kRows; ++row, destination += step) store_block(sums[row][0], sums[row][1], destination, v);
}

template <int kHalves> void avx2_tile_of(std::int64_t rows, const TileInput& input, const BlockOutput& output) {
    switch (rows) {
        case 1: return avx2_rows<1, kHalves>(input, output);
        case 2: return avx2_rows<2, kHalves>(input, output);
        case 3: return avx2_rows<3, kHalves>(input, output);
        case 4: return avx2_rows<4, kHalves>(input, output);
        case 5: return avx2_rows<5, kHalves>(input, output);
        default: return avx2_rows<6, kHalves>(input, output);
    }
}

void avx2_tile(std::int64_t rows, const TileInput& input, const BlockOutput& output) {
    if (output.columns <= kBlock / 2) avx2_tile_of<1>(rows, input, output);
    else avx2_tile_of<2>(rows, input, output);
}

/// kPairs: 0 for any number.
template <int kPairs> MCOMPRESS_AVX2 void avx2_depthwise_of(const DepthwiseInput& input, const BlockOutput& output) {
    constexpr std::int64_t kMostPairs = 64;
    alignas(32) std::int16_t weights[kMostPairs * 32];
    const std::int64_t pairs = kPairs > 0 ? kPairs : input.pairs;
    for (std::int64_t pair = 0; pair < pairs; ++pair) {
        // Interleaving works within halves: the weights are brought into the same order, and the sums are put right at the end.
        const __m256i w0 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(input.weights + pair * 32));
        const __m256i w1 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(input.weights + pair * 32 + 16));
        _mm256_store_si256(reinterpret_cast<__m256i*>(weights + pair * 32), _mm256_permute2x128_si256(w0, w1, 0x20));
        _mm256_store_si256(reinterpret_cast<__m256i*>(weights + pair * 32 + 16), _mm256_permute2x128_si256(w0, w1, 0x31));
    }
    const VectorOutput v = load_output(output);
    const __m256i bias_low = _mm256_permute2x128_si256(v.bias0, v.bias1, 0x20),
                  bias_high = _mm256_permute2x128_si256(v.bias0, v.bias1, 0x31);
    std::byte* destination = output.destination;
    const std::int64_t step = output.row_elements * (v.type == CodeType::F32 ? 4 : 1), point_stride = input.point_stride;
    const std::int64_t* offsets = input.offsets;
    const std::int16_t* from = input.lines;
    for (std::int64_t point = input.points; point > 0; --point, from += point_stride, destination += step) {
        __m256i low = bias_low, high = bias_high;
#pragma GCC unroll 5
        for (std::int64_t pair = 0; pair < pairs; ++pair) {
            const __m256i first = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + offsets[pair * 2]));
            const __m256i second = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + offsets[pair * 2 + 1]));
            const auto* w = reinterpret_cast<const __m256i*>(weights + pair * 32);
            low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_unpacklo_epi16(first, second), _mm256_load_si256(w)));
            high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_unpackhi_epi16(first, second), _mm256_load_si256(w + 1)));
        }
        store_block(_mm256_permute2x128_si256(low, high, 0x20), _mm256_permute2x128_si256(low, high, 0x31), destination, v);
    }
}

void avx2_depthwise(const DepthwiseInput& input, const BlockOutput& output) {
    if (input.pairs == 5) avx2_depthwise_of<5>(input, output);
    else if (input.pairs == 13) avx2_depthwise_of<13>(input, output);
    else if (input.pairs <= 64) avx2_depthwise_of<0>(input, output);
    else portable_depthwise(input, output);
}

template <CodeType kType> MCOMPRESS_AVX2 inline __m256i load_codes(const std::byte* from, __m256i zero_point) {
    const __m128i codes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    return _mm256_sub_epi16(kType == CodeType::U8 ? _mm256_cvtepu8_epi16(codes) : _mm256_cvtepi8_epi16(codes), zero_point);
}

template <CodeType kType>
MCOMPRESS_AVX2 void avx2_widen_of(const std::byte* from, std::int64_t count, std::int32_t zero_point, std::int16_t* to) {
    const __m256i shift = _mm256_set1_epi16(static_cast<std::int16_t>(zero_point));
    std::int64_t at = 0;
    for (; at + 16 <= count; at += 16) _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + at), load_codes<kType>(from + at, shift));
    if (at == count) return;
    if (count >= 16) {  // the last ones again, together with some before them
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + count - 16), load_codes<kType>(from + count - 16, shift));
        return;
    }
    portable_widen(from + at, count - at, zero_point, kType, to + at);
}

void avx2_widen(const std::byte* from, std::int64_t count, std::int32_t zero_point, CodeType source, std::int16_t* to) {
    if (source == CodeType::U8) avx2_widen_of<CodeType::U8>(from, count, zero_point, to);
    else avx2_widen_of<CodeType::S8>(from, count, zero_point, to);
}

constexpr Int8Kernels kAvx2{"int8_exact:avx2", avx2_tile, avx2_depthwise, avx2_widen};

#endif

}  // namespace

const Int8Kernels& int8_kernels() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) return kAvx2;
#endif
    return kPortable;
}

}  // namespace mcompress::onednn
