#include "engine/onednn/half_kernels.h"

#include <algorithm>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#include "support/check.h"
#include "tensor/float16.h"

namespace mcompress::onednn {

namespace {

struct HalfKernels {
    void (*widen)(const std::uint16_t*, std::int64_t, float*);
    void (*narrow)(const float*, std::int64_t, std::uint16_t*);
    void (*round)(float*, std::int64_t);
};

template <typename Half> Half narrowed(float value) {
    if constexpr (std::is_same_v<Half, Float16>) return to_float16(value);
    else return to_bfloat16(value);
}

template <typename Half> void portable_widen(const std::uint16_t* from, std::int64_t count, float* to) {
    for (std::int64_t at = 0; at < count; ++at) to[at] = to_float(Half{from[at]});
}
template <typename Half> void portable_narrow(const float* from, std::int64_t count, std::uint16_t* to) {
    for (std::int64_t at = 0; at < count; ++at) to[at] = narrowed<Half>(from[at]).bits;
}
template <typename Half> void portable_round(float* values, std::int64_t count) {
    for (std::int64_t at = 0; at < count; ++at) values[at] = to_float(narrowed<Half>(values[at]));
}
template <typename Half> constexpr HalfKernels kPortable{portable_widen<Half>, portable_narrow<Half>, portable_round<Half>};

#if defined(__x86_64__)

#define MCOMPRESS_F16C __attribute__((target("avx,f16c")))
constexpr int kNearest = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;

MCOMPRESS_F16C void f16c_widen(const std::uint16_t* from, std::int64_t count, float* to) {
    std::int64_t at = 0;
    for (; at + 8 <= count; at += 8)
        _mm256_storeu_ps(to + at, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + at))));
    portable_widen<Float16>(from + at, count - at, to + at);
}

MCOMPRESS_F16C void f16c_narrow(const float* from, std::int64_t count, std::uint16_t* to) {
    std::int64_t at = 0;
    for (; at + 8 <= count; at += 8)
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to + at), _mm256_cvtps_ph(_mm256_loadu_ps(from + at), kNearest));
    portable_narrow<Float16>(from + at, count - at, to + at);
}

MCOMPRESS_F16C void f16c_round(float* values, std::int64_t count) {
    std::int64_t at = 0;
    for (; at + 8 <= count; at += 8)
        _mm256_storeu_ps(values + at, _mm256_cvtph_ps(_mm256_cvtps_ph(_mm256_loadu_ps(values + at), kNearest)));
    portable_round<Float16>(values + at, count - at);
}

/// clang 14 knows no __builtin_cpu_supports("f16c"); that of AVX asks the system, too.
bool has_f16c() {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return __builtin_cpu_supports("avx") && __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}

constexpr HalfKernels kF16c{f16c_widen, f16c_narrow, f16c_round};

#endif

const HalfKernels& kernels_of(DType half) {
    MCOMPRESS_CHECK(half == DType::Float16 || half == DType::BFloat16);
    if (half == DType::BFloat16) return kPortable<BFloat16>;
#if defined(__x86_64__)
    static const bool is_there = has_f16c();
    if (is_there) return kF16c;
#endif
    return kPortable<Float16>;
}

}  // namespace

void widen(DType half, const std::byte* from, std::int64_t count, float* to) {
    kernels_of(half).widen(reinterpret_cast<const std::uint16_t*>(from), count, to);
}

void narrow(DType half, const float* from, std::int64_t count, std::byte* to) {
    kernels_of(half).narrow(from, count, reinterpret_cast<std::uint16_t*>(to));
}

void round_to(DType half, float* values, std::int64_t count) { kernels_of(half).round(values, count); }

}  // namespace mcompress::onednn
