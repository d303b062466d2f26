#include "engine/onednn/int8_sum.h"

#include <algorithm>
#include <cmath>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mcompress::onednn {

namespace {

struct Factors : SumFactors {
    float lowest, highest;
};

float number_of(std::byte bits, DType dtype) {
    const auto code = std::to_integer<std::uint8_t>(bits);
    return dtype == DType::UInt8 ? static_cast<float>(code) : static_cast<float>(static_cast<std::int8_t>(code));
}

void sum_plain(const std::byte* a, const std::byte* b, std::int64_t count, const BinaryCodes& codes, const Factors& f, std::byte* to) {
    for (std::int64_t at = 0; at < count; ++at) {
        const float sum = std::fma(number_of(a[at], codes.a.dtype), f.a, std::fma(number_of(b[at], codes.b.dtype), f.b, f.offset));
        to[at] = static_cast<std::byte>(static_cast<std::int32_t>(std::clamp(std::nearbyintf(sum), f.lowest, f.highest)));
    }
}

#if defined(__x86_64__)

#define MCOMPRESS_FMA __attribute__((target("avx2,fma")))

bool has_fma() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

MCOMPRESS_FMA inline __m256 numbers8(const std::byte* from, DType dtype) {
    const __m128i codes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
    return _mm256_cvtepi32_ps(dtype == DType::UInt8 ? _mm256_cvtepu8_epi32(codes) : _mm256_cvtepi8_epi32(codes));
}

MCOMPRESS_FMA std::int64_t sum_vectors(const std::byte* a, const std::byte* b, std::int64_t count, const BinaryCodes& codes,
                                       const Factors& f, std::byte* to) {
    const __m256 fa = _mm256_set1_ps(f.a), fb = _mm256_set1_ps(f.b), offset = _mm256_set1_ps(f.offset);
    const __m256 lowest = _mm256_set1_ps(f.lowest), highest = _mm256_set1_ps(f.highest);
    std::int64_t at = 0;
    for (; at + 16 <= count; at += 16) {
        __m256i done[2];
#pragma GCC unroll 2
        for (int half = 0; half < 2; ++half) {
            const std::int64_t first = at + half * 8;
            const __m256 sum =
                _mm256_fmadd_ps(numbers8(a + first, codes.a.dtype), fa, _mm256_fmadd_ps(numbers8(b + first, codes.b.dtype), fb, offset));
            done[half] = _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(sum, lowest), highest));
        }
        const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(done[0], done[1]), 0xD8);
        const __m128i low = _mm256_castsi256_si128(words), high = _mm256_extracti128_si256(words, 1);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + at),
                         codes.result.dtype == DType::UInt8 ? _mm_packus_epi16(low, high) : _mm_packs_epi16(low, high));
    }
    return at;
}

#else

bool has_fma() { return false; }
std::int64_t sum_vectors(const std::byte*, const std::byte*, std::int64_t, const BinaryCodes&, const Factors&, std::byte*) { return 0; }

#endif

}  // namespace

SumFactors sum_factors(const QuantParams& a, const QuantParams& b, const QuantParams& result) {
    SumFactors f{};
    f.a = a.scale / result.scale;
    f.b = b.scale / result.scale;
    const float zero_b = f.b * static_cast<float>(b.zero_point);
    f.offset = static_cast<float>(result.zero_point) - std::fma(f.a, static_cast<float>(a.zero_point), zero_b);
    return f;
}

void sum_codes(const std::byte* a, const std::byte* b, std::int64_t count, const BinaryCodes& codes, std::byte* to) {
    const Factors f{sum_factors(codes.a, codes.b, codes.result), static_cast<float>(codes.range.min), static_cast<float>(codes.range.max)};
    const std::int64_t done = has_fma() ? sum_vectors(a, b, count, codes, f, to) : 0;
    sum_plain(a + done, b + done, count - done, codes, f, to + done);
}

}  // namespace mcompress::onednn
