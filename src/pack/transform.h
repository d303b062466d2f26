// Lossless rearrangements of a tensor's bytes that make them easier to compress.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mcompress {

enum class TransformKind : std::uint8_t { Plain, Planes, Sparse, Palette };

/// One row a transform. A tensor is `bytes`, elements of `width` bytes each (1, 2, 4 or 8), a whole number of them.
struct Transform {
    TransformKind kind;
    std::string_view name;
    /// The streams to be compressed one by one; none when the transform does not suit these bytes.
    std::vector<std::string> (*split)(std::span<const std::byte> bytes, std::size_t width);
    /// The inverse: fills `to`. False when the streams cannot be those of a tensor of that size.
    bool (*join)(std::span<const std::string> streams, std::size_t width, std::span<std::byte> to);
};

std::span<const Transform> all_transforms();
/// Null for a number that no transform has.
const Transform* find_transform(std::uint64_t kind);

}  // namespace mcompress
