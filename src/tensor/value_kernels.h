// The inner loops of statistics, one row for each kind of processor; all rows find the same.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "support/splitmix.h"
#include "tensor/statistics.h"

namespace mcompress {

/// Values in a piece.
inline constexpr std::size_t kCountedPiece = 2048;
/// Values that are counted or left out together.
inline constexpr std::size_t kCountedGroup = 16;

/// Which values are counted: all of them, once; one of four neighbouring groups, four times; or one of eight, eight times. A piece with no more than
/// kFewValues values other than 0 is counted whole all the same, so that what is rare is not missed.
enum class Counting { All, Quarter, Eighth };
inline constexpr std::size_t kFewValues = 256;

constexpr Counting counting_of_piece(Counting counting, std::size_t nonzero) { return nonzero <= kFewValues ? Counting::All : counting; }
/// Also the number of neighbouring groups of which one is counted.
constexpr std::uint32_t weight_of(Counting counting) { return counting == Counting::Eighth ? 8 : counting == Counting::Quarter ? 4 : 1; }
/// Bits of a piece's word that choose among them.
constexpr int choice_bits(Counting counting) { return counting == Counting::Eighth ? 3 : counting == Counting::Quarter ? 2 : 0; }

/// Bits 2q and 2q + 1 say which of the four groups q of a piece is counted under Counting::Quarter, bits 3q to 3q + 2 which of eight under
/// Counting::Eighth. A pseudo-random word (splitmix64) and not a regular pattern, so that no channel of any layout is favoured; it depends on the place alone.
constexpr std::uint64_t choice_of_piece(std::uint64_t number) { return splitmix64(number * kSplitMixStep); }
static_assert(kCountedPiece == 32 * 4 * kCountedGroup);

/// Whether the value at a place of a piece is counted.
constexpr bool is_counted(Counting counting, std::uint64_t choice, std::size_t at) {
    const std::size_t group = at / kCountedGroup;
    const std::size_t of = weight_of(counting);
    return (choice >> (group / of * static_cast<std::size_t>(choice_bits(counting))) & (of - 1)) == group % of;
}

/// Counters of a histogram, narrow ones that leave room in the first-level cache: bin |x| * scale for x > 0, and kBins further for x < 0.
struct CounterTable {
    std::uint32_t* counts = nullptr;
    float scale = 1.0f;                   // a power of two
    float lowest = 0.0f, highest = 0.0f;  // the values that have a bin; 0 where a side has none
    Counting counting = Counting::All;
    std::uint64_t first_piece = 0;  // the number of the first piece in its sample
};

struct ValueKernels {
    std::string_view name;
    bool (*is_usable)();
    /// Adds a block of finite values to the summary; false, leaving it alone, when there are others. The block is shorter than 2^28 and not empty.
    bool (*summarize)(std::span<const float> block, ValueSummary& summary);
    /// Adds values to the table and to the summary, piece by piece, up to the first piece that holds a value without a bin. Returns how many
    /// were added. Zeros are not binned; the summary sees all values, whichever are counted. The summary's range may show -0.
    std::size_t (*count)(std::span<const float> values, const CounterTable& table, ValueSummary& summary);
};

/// The best come first; the last is usable everywhere.
std::span<const ValueKernels> all_value_kernels();
const ValueKernels& best_value_kernels();

}  // namespace mcompress
