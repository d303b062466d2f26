#include "engine/memory_plan.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
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

/// Where the next buffer goes among those placed before it.
class Arena {
public:
    Arena(std::span<const BufferLifetime> lifetimes, std::size_t alignment) : lifetimes_(lifetimes), alignment_(alignment) {
        plan.offsets.resize(lifetimes.size());
    }

    MemoryPlan plan;

    /// Into the tightest gap between those that live at the same time, or behind all of them.
    void place_tightly(std::size_t index) {
        const std::size_t size = size_of(index);
        std::size_t best = 0, best_gap = ~std::size_t{0}, end = 0;
        for_each_neighbour(index, [&](const Placed& other) {
            if (other.begin >= end + size && other.begin - end < best_gap) {
                best = end;
                best_gap = other.begin - end;
            }
            end = std::max(end, other.end);
        });
        place(index, best_gap == ~std::size_t{0} ? end : best);
    }

    /// As high as possible below `top`; false when there is no gap.
    bool place_high(std::size_t index, std::size_t top) {
        const std::size_t size = size_of(index);
        std::optional<std::size_t> best;
        std::size_t end = 0;
        const auto look = [&](std::size_t next) {
            if (next >= end + size) best = next - size;
        };
        for_each_neighbour(index, [&](const Placed& other) {
            look(std::min(other.begin, top));
            end = std::max(end, other.end);
        });
        look(top);
        if (best) place(index, *best);
        return best.has_value();
    }

private:
    std::size_t size_of(std::size_t index) const { return rounded_up(lifetimes_[index].bytes, alignment_); }

    template <typename Visit> void for_each_neighbour(std::size_t index, Visit&& visit) const {
        for (const Placed& other : placed_)
            if (overlap(lifetimes_[index], lifetimes_[other.index])) visit(other);
    }

    void place(std::size_t index, std::size_t offset) {
        const Placed entry{offset, offset + size_of(index), index};
        const auto before = [](const Placed& a, const Placed& b) { return a.begin < b.begin; };
        placed_.insert(std::upper_bound(placed_.begin(), placed_.end(), entry, before), entry);
        plan.offsets[index] = offset;
        plan.arena_bytes = std::max(plan.arena_bytes, entry.end);
    }

    std::span<const BufferLifetime> lifetimes_;
    std::size_t alignment_;
    std::vector<Placed> placed_;  // by begin
};

MemoryPlan place_in(const Order& order, std::span<const BufferLifetime> lifetimes, std::size_t alignment) {
    Arena arena(lifetimes, alignment);
    for (const std::size_t index : order) arena.place_tightly(index);
    return std::move(arena.plan);
}

/// In time, in turns from below and from `top`: what a chain of layers needs, where each buffer lives beside the one before and the one behind it.
MemoryPlan place_from_both_ends(std::span<const BufferLifetime> lifetimes, std::size_t alignment, std::size_t top) {
    Order order(lifetimes.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return lifetimes[a].first_step < lifetimes[b].first_step; });
    Arena arena(lifetimes, alignment);
    for (std::size_t at = 0; at < order.size(); ++at)
        if (at % 2 == 0 || !arena.place_high(order[at], top)) arena.place_tightly(order[at]);
    return std::move(arena.plan);
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
    MemoryPlan best = place_from_both_ends(lifetimes, alignment, least);
    for (const Order& order : orders(lifetimes, alignment)) {
        if (best.arena_bytes == least) break;
        MemoryPlan plan = place_in(order, lifetimes, alignment);
        if (plan.arena_bytes < best.arena_bytes) best = std::move(plan);
    }
    return best;
}

}  // namespace mcompress
