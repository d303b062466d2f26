#include "pack/transform.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

namespace mcompress {

namespace {

using Bytes = std::span<const std::byte>;

constexpr std::size_t kLargestPalette = 256;

std::uint64_t element(Bytes bytes, std::size_t width, std::size_t index) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data() + index * width, width);
    return value;
}

char* chars(std::string& text) { return text.data(); }

/// Byte 0 of every element, then byte 1 of every one …: signs and exponents lie next to each other.
void append_planes(std::vector<std::string>& streams, Bytes bytes, std::size_t width) {
    const std::size_t count = bytes.size() / width;
    for (std::size_t plane = 0; plane < width; ++plane) {
        std::string stream(count, '\0');
        char* to = chars(stream);
        for (std::size_t index = 0; index < count; ++index) to[index] = static_cast<char>(bytes[index * width + plane]);
        streams.push_back(std::move(stream));
    }
}

bool join_planes(std::span<const std::string> planes, std::size_t width, std::span<std::byte> to) {
    const std::size_t count = to.size() / width;
    if (planes.size() != width) return false;
    for (std::size_t plane = 0; plane < width; ++plane) {
        if (planes[plane].size() != count) return false;
        for (std::size_t index = 0; index < count; ++index) to[index * width + plane] = static_cast<std::byte>(planes[plane][index]);
    }
    return true;
}

// ---- Plain ----

std::vector<std::string> split_plain(Bytes bytes, std::size_t) {
    return {std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size())};
}

bool join_plain(std::span<const std::string> streams, std::size_t, std::span<std::byte> to) {
    if (streams.size() != 1 || streams[0].size() != to.size()) return false;
    if (!to.empty()) std::memcpy(to.data(), streams[0].data(), to.size());
    return true;
}

// ---- Planes ----

std::vector<std::string> split_planes(Bytes bytes, std::size_t width) {
    std::vector<std::string> streams;
    if (width > 1) append_planes(streams, bytes, width);
    return streams;
}

// ---- Sparse: a bit an element, and the elements other than 0 in planes ----

std::vector<std::string> split_sparse(Bytes bytes, std::size_t width) {
    const std::size_t count = bytes.size() / width;
    std::string mask((count + 7) / 8, '\0');
    std::vector<std::byte> rest;
    for (std::size_t index = 0; index < count; ++index) {
        if (element(bytes, width, index) == 0) continue;
        mask[index / 8] = static_cast<char>(mask[index / 8] | 1 << (index % 8));
        const auto at = bytes.subspan(index * width, width);
        rest.insert(rest.end(), at.begin(), at.end());
    }
    if (rest.size() * 10 > bytes.size() * 9) return {};  // hardly any zeros
    std::vector<std::string> streams{std::move(mask)};
    append_planes(streams, rest, width);
    return streams;
}

bool join_sparse(std::span<const std::string> streams, std::size_t width, std::span<std::byte> to) {
    const std::size_t count = to.size() / width;
    if (streams.size() != width + 1 || streams[0].size() != (count + 7) / 8) return false;
    std::vector<std::byte> rest(streams[1].size() * width);
    if (!join_planes(streams.subspan(1), width, rest)) return false;
    std::size_t next = 0;
    std::fill(to.begin(), to.end(), std::byte{0});
    for (std::size_t index = 0; index < count; ++index) {
        if ((static_cast<unsigned char>(streams[0][index / 8]) >> (index % 8) & 1) == 0) continue;
        if (next + width > rest.size()) return false;
        std::memcpy(to.data() + index * width, rest.data() + next, width);
        next += width;
    }
    return next == rest.size();
}

// ---- Palette: the elements there are, and for each one which it is ----

std::vector<std::string> split_palette(Bytes bytes, std::size_t width) {
    if (width == 1) return {};
    const std::size_t count = bytes.size() / width;
    std::unordered_map<std::uint64_t, std::size_t> codes;
    std::string palette, stream(count, '\0');
    for (std::size_t index = 0; index < count; ++index) {
        const auto [entry, is_new] = codes.try_emplace(element(bytes, width, index), codes.size());
        if (codes.size() > kLargestPalette) return {};
        if (is_new) palette.append(reinterpret_cast<const char*>(bytes.data()) + index * width, width);
        stream[index] = static_cast<char>(entry->second);
    }
    return {std::move(palette), std::move(stream)};
}

bool join_palette(std::span<const std::string> streams, std::size_t width, std::span<std::byte> to) {
    const std::size_t count = to.size() / width;
    if (streams.size() != 2 || streams[0].size() % width != 0 || streams[1].size() != count) return false;
    const std::size_t colours = streams[0].size() / width;
    for (std::size_t index = 0; index < count; ++index) {
        const auto code = static_cast<std::size_t>(static_cast<unsigned char>(streams[1][index]));
        if (code >= colours) return false;
        std::memcpy(to.data() + index * width, streams[0].data() + code * width, width);
    }
    return true;
}

// clang-format off
constexpr Transform kTransforms[] = {
    {TransformKind::Plain, "as it is", split_plain, join_plain},
    {TransformKind::Planes, "byte planes", split_planes, join_planes},
    {TransformKind::Sparse, "mask and values", split_sparse, join_sparse},
    {TransformKind::Palette, "palette", split_palette, join_palette},
};
// clang-format on

}  // namespace

std::span<const Transform> all_transforms() { return kTransforms; }

const Transform* find_transform(std::uint64_t kind) {
    for (const Transform& transform : kTransforms)
        if (static_cast<std::uint64_t>(transform.kind) == kind) return &transform;
    return nullptr;
}

}  // namespace mcompress
