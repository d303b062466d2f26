// Placement of buffers: never two in one place, and close to what no placement can stay below.
#include "engine/memory_plan.h"

#include <algorithm>
#include <random>
#include <vector>

#include "catch.h"

using namespace mcompress;

namespace {

void check_memory_plan(int count) {
    std::vector<BufferLifetime> lifetimes;
    for (int at = 0; at < count; ++at) lifetimes.push_back({static_cast<std::size_t>(100 + at * 37 % 500), at, at + 1 + at % 7});
    const MemoryPlan plan = plan_memory(lifetimes);
    std::size_t sum = 0;
    for (std::size_t a = 0; a < lifetimes.size(); ++a) {
        sum += lifetimes[a].bytes;
        const bool fits = plan.offsets[a] % 64 == 0 && plan.offsets[a] + lifetimes[a].bytes <= plan.arena_bytes;
        if (!fits) FAIL(a << " lies wrong");
        for (std::size_t b = a < 50 ? 0 : a - 50; b < a; ++b) {
            if (lifetimes[a].first_step > lifetimes[b].last_step || lifetimes[b].first_step > lifetimes[a].last_step) continue;
            const bool apart =
                plan.offsets[a] + lifetimes[a].bytes <= plan.offsets[b] || plan.offsets[b] + lifetimes[b].bytes <= plan.offsets[a];
            if (!apart) FAIL(a << " overlaps " << b);
        }
    }
    CHECK(plan.arena_bytes < sum / 3);
}

}  // namespace

TEST_CASE("memory of values that live at the same time does not overlap") {
    check_memory_plan(60);
    check_memory_plan(10500);
}

TEST_CASE("the least arena is the greatest sum of what lives at one step") {
    const std::vector<BufferLifetime> lifetimes{{64, 0, 1}, {128, 1, 2}, {1, 2, 3}, {320, 4, 4}};
    CHECK(least_arena_bytes(lifetimes) == 320);
    CHECK(least_arena_bytes(std::vector<BufferLifetime>{{64, 0, 1}, {128, 1, 2}, {1, 2, 2}}) == 192);
    CHECK(least_arena_bytes({}) == 0);
    CHECK(plan_memory({}).arena_bytes == 0);
}

TEST_CASE("networks with branches need little more than the least arena") {
    std::mt19937 random(5);
    for (int network = 0; network < 200; ++network) {
        std::vector<BufferLifetime> lifetimes;
        for (int step = 0; step < 80; ++step) {  // a chain, with a skip connection now and then
            const int life = random() % 4 == 0 ? 2 + static_cast<int>(random() % 9) : 1;
            lifetimes.push_back({static_cast<std::size_t>(1000 + random() % 100000), step, step + life});
        }
        const double least = static_cast<double>(least_arena_bytes(lifetimes));
        CHECK(static_cast<double>(plan_memory(lifetimes).arena_bytes) <= 1.25 * least);
    }
}

TEST_CASE("a chain of layers needs the least arena") {
    std::mt19937 random(7);
    for (int network = 0; network < 50; ++network) {
        std::vector<BufferLifetime> lifetimes;
        for (int step = 0; step < 40; ++step) lifetimes.push_back({64 * (1 + random() % 1000), step, step + 1});
        CHECK(plan_memory(lifetimes).arena_bytes == least_arena_bytes(lifetimes));
    }
}
