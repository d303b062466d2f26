// Sixteen values at a time: bins are computed together, those of zeros are left out by compression, and what is left is counted one by one, a
// cycle each (the processor stores no faster).
#include "tensor/value_kernels_avx512.h"

#include "support/check.h"

#if defined(__x86_64__)
#include <algorithm>
#include <array>
#include <immintrin.h>
#endif

namespace mcompress {

#if defined(__x86_64__)

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"  // g++ 12 takes the undefined operands inside its own intrinsics for ours
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#define MCOMPRESS_AVX512 __attribute__((target("avx512f,popcnt")))

namespace {

constexpr std::size_t kLanes = 16;

__mmask16 first_lanes(std::size_t count) { return static_cast<__mmask16>(count >= kLanes ? 0xFFFFu : (1u << count) - 1u); }

struct Summary {
    __m512 low, high, poison;
    __m512i zeros;
};

MCOMPRESS_AVX512 inline void add(Summary& part, __m512 x, __mmask16 lanes) {
    const __m512 zero = _mm512_setzero_ps();
    part.low = _mm512_min_ps(part.low, x);
    part.high = _mm512_max_ps(part.high, x);
    part.poison = _mm512_fmadd_ps(x, zero, part.poison);  // 0·x is 0 for finite x and NaN otherwise
    const __mmask16 is_zero = _mm512_mask_cmp_ps_mask(lanes, x, zero, _CMP_EQ_OQ);
    part.zeros = _mm512_mask_add_epi32(part.zeros, is_zero, part.zeros, _mm512_set1_epi32(1));
}

/// What a look at a piece finds: the list of the bins of counted values, without those of zeros.
struct Piece {
    __m512 low;
    __m512 high;
    __m512i magnitude;  // the greatest, as bits, in which NaN is greatest
    __m512i nonzero;    // counts, a lane each
    std::uint32_t* end;
};

enum class Sides { Positive, Both };

MCOMPRESS_AVX512 inline __m512i magnitude_bits(__m512 x) { return _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0x7FFFFFFF)); }

template <Sides kSides> MCOMPRESS_AVX512 inline void look(Piece& piece, __m512 x, __mmask16 lanes) {
    piece.low = _mm512_min_ps(piece.low, x);
    if (kSides == Sides::Both) piece.high = _mm512_max_ps(piece.high, x);
    const __m512i magnitude = magnitude_bits(x);
    piece.magnitude = _mm512_max_epu32(piece.magnitude, magnitude);
    const __mmask16 is_nonzero = _mm512_mask_test_epi32_mask(lanes, magnitude, magnitude);
    piece.nonzero = _mm512_mask_add_epi32(piece.nonzero, is_nonzero, piece.nonzero, _mm512_set1_epi32(1));
}

template <Sides kSides> MCOMPRESS_AVX512 inline void list_bins(Piece& piece, __m512 x, __m512 scale, __mmask16 lanes) {
    const __m512i magnitude = magnitude_bits(x);
    // The product with a power of two is exact, or it underflows, which stays in bin 0.
    __m512i bins = _mm512_cvttps_epi32(_mm512_mul_ps(_mm512_castsi512_ps(magnitude), scale));
    if (kSides == Sides::Both) {
        const __m512i side = _mm512_and_si512(_mm512_srli_epi32(_mm512_castps_si512(x), 19), _mm512_set1_epi32(AnchoredHistogram::kBins));
        bins = _mm512_or_si512(bins, side);
    }
    const __mmask16 counted = _mm512_mask_test_epi32_mask(lanes, magnitude, magnitude);
    _mm512_storeu_si512(piece.end, _mm512_maskz_compress_epi32(counted, bins));
    piece.end += __builtin_popcount(counted);
}

/// Looks at all vectors of a piece and lists what is counted of them.
template <Sides kSides, Counting kCounting>
MCOMPRESS_AVX512 void read_piece(Piece& piece, std::span<const float> values, const CounterTable& table, std::uint64_t choice) {
    const __m512 first = _mm512_set1_ps(values[0]), scale = _mm512_set1_ps(table.scale);
    std::size_t at = 0;
    constexpr std::size_t kOf = weight_of(kCounting);
    if constexpr (kOf > 1) {
        for (; at + kOf * kLanes <= values.size(); at += kOf * kLanes, choice >>= choice_bits(kCounting)) {
            for (std::size_t group = 0; group < kOf; ++group) look<kSides>(piece, _mm512_loadu_ps(&values[at + group * kLanes]), 0xFFFF);
            list_bins<kSides>(piece, _mm512_loadu_ps(&values[at + (choice & (kOf - 1)) * kLanes]), scale, 0xFFFF);
        }
    }
    for (std::size_t group = 0; at < values.size(); at += kLanes, ++group) {
        const __mmask16 lanes = first_lanes(values.size() - at);
        const __m512 x =
            _mm512_mask_loadu_ps(first, lanes, &values[at]);  // lanes beyond the end repeat the first value, and are not listed
        look<kSides>(piece, x, lanes);
        if (kOf == 1 || (choice & (kOf - 1)) == group) list_bins<kSides>(piece, x, scale, lanes);
    }
}

template <std::uint32_t kWeight> void count_one_by_one(const std::uint32_t* list, const std::uint32_t* end, std::uint32_t* counts) {
    for (; end - list >= 4; list += 4) {
        std::uint64_t first, second;  // a load for two bins
        __builtin_memcpy(&first, list, sizeof first);
        __builtin_memcpy(&second, list + 2, sizeof second);
        counts[first & 0xFFFFFFFF] += kWeight;
        counts[first >> 32] += kWeight;
        counts[second & 0xFFFFFFFF] += kWeight;
        counts[second >> 32] += kWeight;
    }
    for (; list != end; ++list) counts[*list] += kWeight;
}

template <std::uint32_t kWeight> void count_runs(const std::uint32_t* list, const std::uint32_t* end, std::uint32_t* counts) {
    while (list != end) {
        const std::uint32_t* const begin = list;
        while (list != end && *list == *begin) ++list;
        counts[*begin] += kWeight * static_cast<std::uint32_t>(list - begin);
    }
}

/// An increment waits for the one before it on the same counter, so that runs of one value (the sky in a picture) take five times as long.
template <std::uint32_t kWeight> void count_list(const std::uint32_t* list, const std::uint32_t* end, std::uint32_t* counts) {
    constexpr std::ptrdiff_t kProbes = 16;
    const std::ptrdiff_t stride = (end - list) / kProbes;
    int equal = 0;
    if (stride > 1)
        for (std::ptrdiff_t probe = 0; probe < kProbes; ++probe) equal += list[probe * stride] == list[probe * stride + 1] ? 1 : 0;
    if (equal > kProbes / 2) count_runs<kWeight>(list, end, counts);
    else count_one_by_one<kWeight>(list, end, counts);
}

/// Whether all values of the piece had a bin; then they are counted.
template <Sides kSides, Counting kCounting>
MCOMPRESS_AVX512 bool count_piece(std::span<const float> values, const CounterTable& table, std::uint64_t choice, ValueSummary& summary) {
    std::array<std::uint32_t, kCountedPiece + kLanes> list;
    const __m512 first = _mm512_set1_ps(values[0]);
    Piece piece{first, first, _mm512_setzero_si512(), _mm512_setzero_si512(), list.data()};
    read_piece<kSides, kCounting>(piece, values, table, choice);
    const std::uint32_t magnitude = _mm512_reduce_max_epu32(piece.magnitude);
    float greatest;
    __builtin_memcpy(&greatest, &magnitude, sizeof greatest);
    const float low = _mm512_reduce_min_ps(piece.low);
    const float high = kSides == Sides::Both ? _mm512_reduce_max_ps(piece.high) : greatest;
    const bool has_bins = greatest <= std::max(-table.lowest, table.highest) && low >= table.lowest && high <= table.highest;
    if (!has_bins) return false;
    const auto nonzero = static_cast<std::size_t>(_mm512_reduce_add_epi32(piece.nonzero));
    summary.add({.min = low, .max = high, .finite = values.size(), .zeros = values.size() - nonzero});
    if (counting_of_piece(kCounting, nonzero) == kCounting) {
        count_list<weight_of(kCounting)>(list.data(), piece.end, table.counts);
    } else {
        piece.end = list.data();
        read_piece<kSides, Counting::All>(piece, values, table, choice);
        count_list<weight_of(Counting::All)>(list.data(), piece.end, table.counts);
    }
    return true;
}

template <Counting kCounting> std::size_t count_pieces(std::span<const float> values, const CounterTable& table, ValueSummary& summary) {
    const auto count = table.lowest < 0.0f ? count_piece<Sides::Both, kCounting> : count_piece<Sides::Positive, kCounting>;
    std::size_t done = 0;
    for (std::uint64_t number = table.first_piece; done < values.size(); ++number) {
        const auto piece = values.subspan(done, std::min(kCountedPiece, values.size() - done));
        if (!count(piece, table, choice_of_piece(number), summary)) break;
        done += piece.size();
    }
    return done;
}

}  // namespace

bool has_avx512() { return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("popcnt"); }

MCOMPRESS_AVX512 bool summarize_avx512(std::span<const float> block, ValueSummary& summary) {
    const __m512 first = _mm512_set1_ps(block[0]);
    std::array<Summary, 4> parts;
    for (Summary& part : parts) part = {first, first, _mm512_setzero_ps(), _mm512_setzero_si512()};
    std::size_t at = 0;
    for (; at + parts.size() * kLanes <= block.size(); at += parts.size() * kLanes)
        for (std::size_t part = 0; part < parts.size(); ++part) add(parts[part], _mm512_loadu_ps(&block[at + part * kLanes]), 0xFFFF);
    for (; at < block.size(); at += kLanes) {
        const __mmask16 lanes = first_lanes(block.size() - at);
        add(parts[0], _mm512_mask_loadu_ps(first, lanes, &block[at]), lanes);
    }
    for (std::size_t part = 1; part < parts.size(); ++part) {
        parts[0].low = _mm512_min_ps(parts[0].low, parts[part].low);
        parts[0].high = _mm512_max_ps(parts[0].high, parts[part].high);
        parts[0].poison = _mm512_add_ps(parts[0].poison, parts[part].poison);
        parts[0].zeros = _mm512_add_epi32(parts[0].zeros, parts[part].zeros);
    }
    if (_mm512_cmp_ps_mask(parts[0].poison, _mm512_setzero_ps(), _CMP_NEQ_UQ) != 0) return false;
    const float low = _mm512_reduce_min_ps(parts[0].low);
    const float high = _mm512_reduce_max_ps(parts[0].high);
    summary.min = summary.finite == 0 ? low : std::min(summary.min, low);
    summary.max = summary.finite == 0 ? high : std::max(summary.max, high);
    summary.zeros += static_cast<std::uint64_t>(_mm512_reduce_add_epi32(parts[0].zeros));
    summary.finite += block.size();
    return true;
}

std::size_t count_avx512(std::span<const float> values, const CounterTable& table, ValueSummary& summary) {
    switch (table.counting) {
        case Counting::Quarter: return count_pieces<Counting::Quarter>(values, table, summary);
        case Counting::Eighth: return count_pieces<Counting::Eighth>(values, table, summary);
        default: return count_pieces<Counting::All>(values, table, summary);
    }
}

#else

bool has_avx512() { return false; }
bool summarize_avx512(std::span<const float>, ValueSummary&) { MCOMPRESS_CHECK(false); }
std::size_t count_avx512(std::span<const float>, const CounterTable&, ValueSummary&) { MCOMPRESS_CHECK(false); }

#endif

}  // namespace mcompress
