#include "engine/memory_plan.h"

#include <algorithm>
#include <numeric>

namespace mcompress {

namespace {

bool overlap(const BufferLifetime& a, const BufferLifetime& b) { return a.first_step <= b.last_step && b.first_step <= a.last_step; }

struct Placed {
    std::size_t begin;
    std::size_t end;
    std::size_t index;
};

}  // namespace

MemoryPlan plan_memory(std::span<const BufferLifetime> lifetimes, std::size_t alignment) {
    MemoryPlan plan;
    plan.offsets.resize(lifetimes.size());
    std::vector<std::size_t> by_size(lifetimes.size());
    std::iota(by_size.begin(), by_size.end(), std::size_t{0});
    std::stable_sort(by_size.begin(), by_size.end(), [&](std::size_t a, std::size_t b) { return lifetimes[a].bytes > lifetimes[b].bytes; });
    std::vector<Placed> placed;  // by begin
    for (const std::size_t index : by_size) {
        const std::size_t size = (lifetimes[index].bytes + alignment - 1) / alignment * alignment;
        std::size_t best = 0, best_gap = ~std::size_t{0}, end = 0;
        bool found = false;
        for (const Placed& other : placed) {
            if (!overlap(lifetimes[index], lifetimes[other.index])) continue;
            if (other.begin >= end + size && other.begin - end < best_gap) {
                best = end;
                best_gap = other.begin - end;
                found = true;
            }
            end = std::max(end, other.end);
        }
        if (!found) best = end;
        const Placed entry{best, best + size, index};
        placed.insert(std::upper_bound(placed.begin(), placed.end(), entry, [](const Placed& a, const Placed& b) { return a.begin < b.begin; }), entry);
        plan.offsets[index] = best;
        plan.arena_bytes = std::max(plan.arena_bytes, entry.end);
    }
    return plan;
}

}  // namespace mcompress
