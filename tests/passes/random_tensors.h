// Seeded tensors that are the same on every machine.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ir/graph.h"

namespace mcompress::testing {

/// SplitMix64.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next();
    /// In [low, high].
    std::int64_t integer(std::int64_t low, std::int64_t high);
    bool chance(int percent) { return integer(0, 99) < percent; }

private:
    std::uint64_t state_;
};

struct ValueBounds {
    double low = -2.0;
    double high = 2.0;
};

/// Floats are multiples of 1/64, so that short sums and products are exact; integers are whole numbers within the bounds.
Tensor random_tensor(DType dtype, const Shape& shape, std::uint64_t seed, ValueBounds bounds = {});

/// Extents for dimensions that a type leaves open, by symbol; "" is for those without one.
using OpenDims = std::map<std::string, std::int64_t>;

/// One tensor for every graph input; undefined for inputs with a default. Throws std::runtime_error for what is no tensor.
std::vector<Tensor> random_inputs(const Graph& graph, std::uint64_t seed, const OpenDims& open_dims = {},
                                  const std::map<std::string, ValueBounds>& bounds = {});

}  // namespace mcompress::testing
