// Statistics' inner loops for any processor, and the table of all of them.
#include "tensor/value_kernels.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "tensor/value_kernels_avx512.h"

namespace mcompress {

namespace {

// Four floats at a time: what every x86-64 and ARM64 processor has.
constexpr std::size_t kLanes = 4;
typedef float Floats __attribute__((vector_size(16)));
typedef std::int32_t Ints __attribute__((vector_size(16)));

Floats load(const float* values) {
    Floats result;
    __builtin_memcpy(&result, values, sizeof result);
    return result;
}

struct Accumulator {
    Floats low = {};
    Floats high = {};
    Ints zeros = {};
    Floats poison = {};  // 0·x is 0 for finite x and NaN otherwise

    void add(Floats x) {
        low = x < low ? x : low;
        high = x > high ? x : high;
        zeros -= x == 0.0f;
        poison += x * 0.0f;
    }
};

bool summarize_anywhere(std::span<const float> block, ValueSummary& summary) {
    std::array<Accumulator, 4> parts;
    constexpr std::size_t kStep = parts.size() * kLanes;
    float low = block[0], high = block[0], poison = 0.0f;
    std::uint64_t zeros = 0;
    const std::size_t even = block.size() / kStep * kStep;
    if (even > 0) {
        for (auto& part : parts) part.low = part.high = load(block.data());
        for (std::size_t at = 0; at < even; at += kStep)
            for (std::size_t part = 0; part < parts.size(); ++part) parts[part].add(load(&block[at + part * kLanes]));
        for (const Accumulator& part : parts)
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
                poison += part.poison[lane];
                low = std::min(low, part.low[lane]);
                high = std::max(high, part.high[lane]);
                zeros += static_cast<std::uint64_t>(part.zeros[lane]);
            }
    }
    for (const float x : block.subspan(even)) {
        poison += x * 0.0f;
        low = std::min(low, x);
        high = std::max(high, x);
        zeros += x == 0.0f ? 1 : 0;
    }
    if (poison != 0.0f) return false;
    summary.min = summary.finite == 0 ? low : std::min(summary.min, low);
    summary.max = summary.finite == 0 ? high : std::max(summary.max, high);
    summary.zeros += zeros;
    summary.finite += block.size();
    return true;
}

/// The slots of four finite values: the product with a power of two is exact (or underflows, which stays in bin 0).
Ints find_slots(const float* values, float scale) {
    Ints bits;
    __builtin_memcpy(&bits, values, sizeof bits);
    const Ints magnitude_bits = bits & 0x7FFFFFFF;
    Floats magnitude;
    __builtin_memcpy(&magnitude, &magnitude_bits, sizeof magnitude);
    return __builtin_convertvector(magnitude * scale, Ints) + ((bits >> 31) & AnchoredHistogram::kBins);
}

/// Half of the values behind a Relu are 0 and would queue for one counter: only the others are listed before they are counted.
void count_piece(std::span<const float> piece, const CounterTable& table, Counting counting, std::uint64_t choice) {
    std::array<std::uint16_t, kCountedPiece> slots;
    std::size_t used = 0, at = 0;
    for (; at + kLanes <= piece.size(); at += kLanes) {
        if (!is_counted(counting, choice, at)) continue;
        const Ints found = find_slots(&piece[at], table.scale);
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            slots[used] = static_cast<std::uint16_t>(found[lane]);
            used += piece[at + lane] != 0.0f ? 1 : 0;
        }
    }
    for (; at < piece.size(); ++at) {
        if (!is_counted(counting, choice, at)) continue;
        const int side = piece[at] < 0.0f ? AnchoredHistogram::kBins : 0;
        slots[used] = static_cast<std::uint16_t>(static_cast<int>(std::fabs(piece[at]) * table.scale) + side);
        used += piece[at] != 0.0f ? 1 : 0;
    }
    for (std::size_t slot = 0; slot < used; ++slot) table.counts[slots[slot]] += weight_of(counting);
}

std::size_t count_anywhere(std::span<const float> values, const CounterTable& table, ValueSummary& summary) {
    std::size_t done = 0;
    for (std::uint64_t number = table.first_piece; done < values.size(); ++number) {
        const auto piece = values.subspan(done, std::min(kCountedPiece, values.size() - done));
        ValueSummary found;
        if (!summarize_anywhere(piece, found) || found.min < table.lowest || found.max > table.highest) break;
        count_piece(piece, table, counting_of_piece(table.counting, piece.size() - found.zeros), choice_of_piece(number));
        summary.add(found);
        done += piece.size();
    }
    return done;
}

constexpr ValueKernels kKernels[] = {
    {"avx512", has_avx512, summarize_avx512, count_avx512},
    {"any", [] { return true; }, summarize_anywhere, count_anywhere},
};

}  // namespace

std::span<const ValueKernels> all_value_kernels() { return kKernels; }

const ValueKernels& best_value_kernels() {
    static const ValueKernels& best =
        *std::find_if(std::begin(kKernels), std::end(kKernels), [](const auto& row) { return row.is_usable(); });
    return best;
}

}  // namespace mcompress
