#include "onnx/wire.h"

namespace mcompress {

namespace {

constexpr std::uint64_t kMaxFieldNumber = (1u << 29) - 1;

/// Reads a varint and moves `at` behind it.
std::optional<std::uint64_t> read_varint(std::span<const std::byte> bytes, std::size_t& at, std::size_t end) {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 70 && at < end; shift += 7) {
        const auto byte = static_cast<std::uint64_t>(bytes[at++]);
        if (shift < 64) value |= (byte & 0x7f) << shift;
        if (byte < 0x80) return value;
    }
    return std::nullopt;
}

}  // namespace

std::optional<WireField> read_field(std::span<const std::byte> bytes, std::size_t at, std::size_t end) {
    WireField field{};
    field.begin = at;
    const auto tag = read_varint(bytes, at, end);
    if (!tag || (*tag >> 3) == 0 || (*tag >> 3) > kMaxFieldNumber) return std::nullopt;
    field.number = static_cast<std::uint32_t>(*tag >> 3);
    std::uint64_t length = 0;
    switch (*tag & 7) {
        case 0: {
            field.type = WireType::Varint;
            field.payload = at;
            const auto value = read_varint(bytes, at, end);
            if (!value) return std::nullopt;
            field.value = *value;
            field.end = at;
            return field;
        }
        case 1:
            field.type = WireType::Fixed64;
            length = 8;
            break;
        case 2: {
            field.type = WireType::Bytes;
            const auto declared = read_varint(bytes, at, end);
            if (!declared) return std::nullopt;
            length = *declared;
            break;
        }
        case 5:
            field.type = WireType::Fixed32;
            length = 4;
            break;
        default: return std::nullopt;
    }
    if (length > end - at) return std::nullopt;
    field.payload = at;
    field.end = at + static_cast<std::size_t>(length);
    return field;
}

void append_varint(std::string& out, std::uint64_t value) {
    while (value >= 0x80) {
        out += static_cast<char>(value | 0x80);
        value >>= 7;
    }
    out += static_cast<char>(value);
}

void append_bytes_header(std::string& out, std::uint32_t number, std::uint64_t length) {
    append_varint(out, std::uint64_t{number} << 3 | 2);
    append_varint(out, length);
}

}  // namespace mcompress
