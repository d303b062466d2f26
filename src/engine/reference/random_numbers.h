// Random numbers by position: the i-th number of a stream depends on nothing but the stream and i, so any number of threads draws the same.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ir/node.h"

namespace mcompress::reference {

/// The seed of operators that name none.
inline constexpr std::uint64_t kDefaultSeed = 0;

/// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
class RandomStream {
public:
    using Block = std::array<std::uint32_t, 4>;

    explicit RandomStream(std::uint64_t key) : key_(key) {}

    /// 128 random bits for a counter of 128 bits, given by its halves.
    Block block(std::uint64_t low, std::uint64_t high = 0) const;
    /// Uniform in [0, 1), a multiple of 2^-53.
    double uniform(std::uint64_t index) const;
    /// Normal with mean 0 and deviation 1 (Box and Muller's transform of a block; neighbours share one).
    double normal(std::uint64_t index) const;

private:
    std::uint64_t key_;
};

/// The stream of a node. With a seed it depends on the seed alone: nodes with equal seeds draw equal numbers. Without one it depends on
/// kDefaultSeed and the name of the node's first output, which the graph keeps unique.
RandomStream random_stream(const Node& node, std::optional<double> seed);

}  // namespace mcompress::reference
