#include "engine/onednn/packed_product.h"

#include <numeric>
#include <vector>

#include "engine/onednn/on_threads.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mcompress::onednn {

namespace {

constexpr std::int64_t kChunk = 32;  // weights of one load: 16 bytes

/// Rows of x in the order in which codes leave a chunk (16 even elements, 16 odd ones), filled up with zeros to whole blocks, and the sum of every block.
struct alignas(64) Chunk {
    float values[kChunk];
};
struct Rows {
    std::vector<Chunk> chunks;  // [rows, blocks * block_size / kChunk]
    std::vector<float> sums;    // [rows, blocks]
};

Rows arrange(const PackedWeights4& w, std::int64_t rows, const float* x) {
    const std::int64_t blocks = w.blocks(), width = blocks * w.block_size;
    Rows result{std::vector<Chunk>(static_cast<std::size_t>(rows * width / kChunk)),
                std::vector<float>(static_cast<std::size_t>(rows * blocks), 0.0F)};
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t k = 0; k < w.inner; ++k) {
            const float value = x[row * w.inner + k];
            Chunk& chunk = result.chunks[static_cast<std::size_t>((row * width + k) / kChunk)];
            chunk.values[(k % 2) * (kChunk / 2) + k % kChunk / 2] = value;
            result.sums[static_cast<std::size_t>(row * blocks + k / w.block_size)] += value;
        }
    return result;
}

#if defined(__x86_64__)

#define MCOMPRESS_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl")))

/// 16 bytes. With a mask of all, since g++ 12 takes the forms without for reads of something uninitialized (GCC bug 105593).
MCOMPRESS_AVX512 inline __m512 to_floats(__m128i bytes) {
    constexpr __mmask16 kAll = 0xffff;
    return _mm512_maskz_cvtepi32_ps(kAll, _mm512_maskz_cvtepu8_epi32(kAll, bytes));
}

/// Columns [begin, end): sum over blocks of scale * (codes . x - zero point * sum of x).
template <std::int64_t kRows>
MCOMPRESS_AVX512 void multiply_columns(const PackedWeights4& w, const Rows& x, float* y, std::int64_t begin, std::int64_t end) {
    const std::int64_t blocks = w.blocks(), width = blocks * w.block_size;
    const __m128i low_half = _mm_set1_epi8(15);
    for (std::int64_t column = begin; column < end; ++column) {
        const std::uint8_t* codes = w.codes + column * width / 2;
        const float *scales = w.scales + column * blocks, *zeros = w.zero_points + column * blocks;
        __m512 totals[kRows];
        float offsets[kRows];
        for (std::int64_t row = 0; row < kRows; ++row) totals[row] = _mm512_setzero_ps(), offsets[row] = 0.0F;
        for (std::int64_t block = 0; block < blocks; ++block) {
            __m512 sums[kRows];
            for (std::int64_t row = 0; row < kRows; ++row) sums[row] = _mm512_setzero_ps();
            for (std::int64_t at = block * w.block_size; at < (block + 1) * w.block_size; at += kChunk) {
                const __m128i packed = _mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + at / 2));
                const __m512 even = to_floats(_mm_and_si128(packed, low_half));
                const __m512 odd = to_floats(_mm_and_si128(_mm_srli_epi16(packed, 4), low_half));
                for (std::int64_t row = 0; row < kRows; ++row) {
                    const float* from = x.chunks[static_cast<std::size_t>((row * width + at) / kChunk)].values;
                    sums[row] = _mm512_fmadd_ps(even, _mm512_load_ps(from), sums[row]);
                    sums[row] = _mm512_fmadd_ps(odd, _mm512_load_ps(from + kChunk / 2), sums[row]);
                }
            }
            for (std::int64_t row = 0; row < kRows; ++row) {
                totals[row] = _mm512_fmadd_ps(sums[row], _mm512_set1_ps(scales[block]), totals[row]);
                offsets[row] += scales[block] * zeros[block] * x.sums[static_cast<std::size_t>(row * blocks + block)];
            }
        }
        for (std::int64_t row = 0; row < kRows; ++row) {
            float lanes[kChunk / 2];
            _mm512_storeu_ps(lanes, totals[row]);
            y[row * w.columns + column] = std::accumulate(lanes, lanes + kChunk / 2, (w.bias ? w.bias[column] : 0.0F) - offsets[row]);
        }
    }
}

using Kernel = void (*)(const PackedWeights4&, const Rows&, float*, std::int64_t, std::int64_t);
constexpr Kernel kKernels[kMostPackedRows] = {multiply_columns<1>, multiply_columns<2>};

#endif

}  // namespace

bool can_multiply_packed([[maybe_unused]] std::int64_t block_size) {
#if defined(__x86_64__)
    return block_size > 0 && block_size % kChunk == 0 && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#else
    return false;
#endif
}

void multiply_packed([[maybe_unused]] const PackedWeights4& weights, [[maybe_unused]] std::int64_t rows, [[maybe_unused]] const float* x,
                     [[maybe_unused]] float* y, [[maybe_unused]] int threads) {
#if defined(__x86_64__)
    const Rows arranged = arrange(weights, rows, x);
    on_ranges(weights.columns, weights.columns * weights.inner, threads,
              [&](std::int64_t begin, std::int64_t end) { kKernels[rows - 1](weights, arranged, y, begin, end); });
#endif
}

}  // namespace mcompress::onednn
