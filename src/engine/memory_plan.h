// Offsets of buffers in one arena, from their lifetimes.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace mcompress {

/// A buffer lives from the step that writes it to the last step that reads it, both included.
struct BufferLifetime {
    std::size_t bytes = 0;
    int first_step = 0;
    int last_step = 0;
};

struct MemoryPlan {
    std::vector<std::size_t> offsets;  // multiples of the alignment, in the order of the lifetimes
    std::size_t arena_bytes = 0;
};

/// Two buffers whose lifetimes overlap never share a byte. Greedy, each into the tightest gap (Pisarchyk and Lee 2020, "Efficient memory
/// management for deep neural net inference"), in several orders (by size, by size and length of life, by what lives at the busiest step), of which
/// the one with the smallest arena is taken; beyond ten thousand buffers in order of time.
MemoryPlan plan_memory(std::span<const BufferLifetime> lifetimes, std::size_t alignment = 64);

/// What no plan can stay below: the greatest sum of buffers that live at one step, each rounded up to the alignment.
std::size_t least_arena_bytes(std::span<const BufferLifetime> lifetimes, std::size_t alignment = 64);

}  // namespace mcompress
