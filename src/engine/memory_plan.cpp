#include "engine/memory_plan.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace mcompress {

namespace {

bool overlap(const BufferLifetime& a, const BufferLifetime& b) { return a.first_step <= b.last_step && b.first_step <= a.last_step; }

struct Placed {
    std::size_t begin;
    std::size_t end;
    std::size_t index;
};

std::size_t rounded_up(std::size_t bytes, std::size_t alignment) { return (bytes + alignment - 1) / alignment * alignment; }

/// For very many buffers: in order of their first step, each into the smallest free block that holds it. O(n log n).
MemoryPlan plan_in_order(std::span<const BufferLifetime> lifetimes, std::size_t alignment) {
    MemoryPlan plan;
    plan.offsets.resize(lifetimes.size());
    std::vector<std::size_t> by_start(lifetimes.size());
    std::iota(by_start.begin(), by_start.end(), std::size_t{0});
    std::stable_sort(by_start.begin(), by_start.end(),
                     [&](std::size_t a, std::size_t b) { return lifetimes[a].first_step < lifetimes[b].first_step; });
    struct Block {
        std::size_t offset, size;
    };
    std::multimap<int, Block> used;                // by last step
    std::multimap<std::size_t, std::size_t> free;  // size → offset
    for (const std::size_t index : by_start) {
        const BufferLifetime& lifetime = lifetimes[index];
        while (!used.empty() && used.begin()->first < lifetime.first_step) {
            free.emplace(used.begin()->second.size, used.begin()->second.offset);
            used.erase(used.begin());
        }
        Block block{plan.arena_bytes, rounded_up(lifetime.bytes, alignment)};
        if (const auto found = free.lower_bound(block.size); found != free.end()) {
            block = {found->second, found->first};
            free.erase(found);
        } else {
            plan.arena_bytes += block.size;
        }
        plan.offsets[index] = block.offset;
        used.emplace(lifetime.last_step, block);
    }
    return plan;
}

using Order = std::vector<std::size_t>;

/// Each buffer in the given order into the tightest gap between those placed before it that live at the same time.
MemoryPlan place_in(const Order& order, std::span<const BufferLifetime> lifetimes, std::size_t alignment) {
    MemoryPlan plan;
    plan.offsets.resize(lifetimes.size());
    std::vector<Placed> placed;  // by begin
    for (const std::size_t index : order) {
        const std::size_t size = rounded_up(lifetimes[index].bytes, alignment);
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
        placed.insert(
            std::upper_bound(placed.begin(), placed.end(), entry, [](const Placed& a, const Placed& b) { return a.begin < b.begin; }),
            entry);
        plan.offsets[index] = best;
        plan.arena_bytes = std::max(plan.arena_bytes, entry.end);
    }
    return plan;
}

/// Bytes that live at each step, by differences.
std::vector<std::size_t> live_bytes(std::span<const BufferLifetime> lifetimes, std::size_t alignment) {
    int steps = 0;
    for (const BufferLifetime& lifetime : lifetimes) steps = std::max(steps, lifetime.last_step + 1);
    std::vector<std::size_t> live(static_cast<std::size_t>(steps) + 1, 0);
    for (const BufferLifetime& lifetime : lifetimes) {
        live[static_cast<std::size_t>(lifetime.first_step)] += rounded_up(lifetime.bytes, alignment);
        live[static_cast<std::size_t>(lifetime.last_step) + 1] -= rounded_up(lifetime.bytes, alignment);  // modulo 2^64, the sums are not
    }
    std::partial_sum(live.begin(), live.end(), live.begin());
    return live;
}

/// The orders to try: indices sorted by falling keys.
std::vector<Order> orders(std::span<const BufferLifetime> lifetimes, std::size_t alignment) {
    const std::vector<std::size_t> live = live_bytes(lifetimes, alignment);
    const auto busiest = [&](const BufferLifetime& lifetime) {
        return *std::max_element(live.begin() + lifetime.first_step, live.begin() + lifetime.last_step + 1);
    };
    using Key = std::pair<std::size_t, std::size_t>;
    const auto sorted_by = [&](const auto& key) {
        std::vector<Key> keys;
        for (const BufferLifetime& lifetime : lifetimes) keys.push_back(key(lifetime));
        Order order(lifetimes.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return keys[a] > keys[b]; });
        return order;
    };
    const auto life = [](const BufferLifetime& lifetime) { return static_cast<std::size_t>(lifetime.last_step - lifetime.first_step) + 1; };
    return {sorted_by([](const BufferLifetime& lifetime) {
                return Key{lifetime.bytes, 0};
            }),
            sorted_by([&](const BufferLifetime& lifetime) {
                return Key{lifetime.bytes * life(lifetime), lifetime.bytes};
            }),
            sorted_by([&](const BufferLifetime& lifetime) {
                return Key{busiest(lifetime), lifetime.bytes};
            }),
            sorted_by([&](const BufferLifetime& lifetime) {
                return Key{life(lifetime), lifetime.bytes};
            })};
}

}  // namespace

std::size_t least_arena_bytes(std::span<const BufferLifetime> lifetimes, std::size_t alignment) {
    const std::vector<std::size_t> live = live_bytes(lifetimes, alignment);
    return *std::max_element(live.begin(), live.end());
}

MemoryPlan plan_memory(std::span<const BufferLifetime> lifetimes, std::size_t alignment) {
    constexpr std::size_t kMostBySize = 10000;
    if (lifetimes.size() > kMostBySize) return plan_in_order(lifetimes, alignment);
    const std::size_t least = least_arena_bytes(lifetimes, alignment);
    MemoryPlan best;
    best.arena_bytes = ~std::size_t{0};
    for (const Order& order : orders(lifetimes, alignment)) {
        MemoryPlan plan = place_in(order, lifetimes, alignment);
        if (plan.arena_bytes < best.arena_bytes) best = std::move(plan);
        if (best.arena_bytes == least) break;
    }
    return best;
}

}  // namespace mcompress
