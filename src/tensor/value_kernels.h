// The inner loops of statistics, one row for each kind of processor; all rows find the same.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "tensor/statistics.h"

namespace mcompress {

/// Counters of a histogram, narrow ones that leave room in the first-level cache: bin |x| * scale for x > 0, and kBins further for x < 0.
struct CounterTable {
    std::uint32_t* counts = nullptr;
    float scale = 1.0f;                   // a power of two
    float lowest = 0.0f, highest = 0.0f;  // the values that have a bin; 0 where a side has none
};

struct ValueKernels {
    std::string_view name;
    bool (*is_usable)();
    /// Adds a block of finite values to the summary; false, leaving it alone, when there are others. The block is shorter than 2^28 and not empty.
    bool (*summarize)(std::span<const float> block, ValueSummary& summary);
    /// Adds values to the table and to the summary, piece by piece, up to the first piece that holds a value without a bin. Returns how many
    /// were added. Zeros are not binned. The summary's range may show -0.
    std::size_t (*count)(std::span<const float> values, const CounterTable& table, ValueSummary& summary);
};

/// Values in a piece.
inline constexpr std::size_t kCountedPiece = 2048;

/// The best come first; the last is usable everywhere.
std::span<const ValueKernels> all_value_kernels();
const ValueKernels& best_value_kernels();

}  // namespace mcompress
