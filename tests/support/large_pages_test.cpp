#include "support/large_pages.h"

#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "catch.h"

using namespace mcompress;

namespace {

std::uintptr_t place(const std::byte* memory) { return reinterpret_cast<std::uintptr_t>(memory); }

}  // namespace

TEST_CASE("blocks begin at pages, those of 2 MB and more at large ones", "[support]") {
    for (const std::size_t bytes : {std::size_t{1}, std::size_t{4096}, std::size_t{5000}, (std::size_t{2} << 20) - 1}) {
        const Block block = allocate_block(bytes);
        REQUIRE(block);
        CHECK(place(block.get()) % 4096 == 0);
        std::memset(block.get(), 1, bytes);
    }
    for (const std::size_t bytes : {std::size_t{2} << 20, (std::size_t{5} << 20) + 17}) {
        const Block block = allocate_block(bytes);
        REQUIRE(block);
        CHECK(place(block.get()) % (std::size_t{2} << 20) == 0);
        std::memset(block.get(), 1, bytes);
    }
    CHECK(!allocate_block(std::size_t{1} << 60));
}

TEST_CASE("pieces of a pool do not overlap, and live without it", "[support]") {
    struct Piece {
        std::shared_ptr<std::byte> memory;
        std::size_t bytes;
        std::byte value;
    };
    std::vector<std::vector<Piece>> taken(3);
    {
        BlockPool pool;
        std::vector<std::thread> threads;
        for (std::size_t thread = 0; thread < taken.size(); ++thread)
            threads.emplace_back([&, thread] {
                for (std::size_t at = 0; at < 200; ++at) {
                    const std::size_t bytes = at % 50 == 49 ? std::size_t{9} << 20 : (at * 7919 + thread * 131) % 70'000;
                    const auto value = static_cast<std::byte>(at + 3 * thread);
                    taken[thread].push_back({pool.allocate(bytes), bytes, value});
                    std::memset(taken[thread].back().memory.get(), std::to_integer<int>(value), bytes);
                    if (at % 5 == 0) taken[thread].erase(taken[thread].begin());
                }
            });
        for (std::thread& thread : threads) thread.join();
    }
    for (const auto& pieces : taken)
        for (const Piece& piece : pieces) {
            CHECK(place(piece.memory.get()) % 64 == 0);
            bool same = true;
            for (std::size_t at = 0; at < piece.bytes; ++at) same = same && piece.memory.get()[at] == piece.value;
            CHECK(same);
        }
    BlockPool pool;
    CHECK_THROWS_AS(pool.allocate(std::size_t{1} << 60), std::bad_alloc);
}
