// Protobuf's wire format, as far as it is needed to look at a file without parsing it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace mcompress {

enum class WireType : std::uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

/// One field: its tag begins at `begin`, its payload (after the length, for Bytes) at `payload`, the next field at `end`.
struct WireField {
    std::uint32_t number;
    WireType type;
    std::size_t begin;
    std::size_t payload;
    std::size_t end;
    std::uint64_t value;  // of a Varint
};

/// The field at `at` within bytes[0, end); nothing when it is cut off or malformed. Groups, which ONNX does not have, are malformed.
std::optional<WireField> read_field(std::span<const std::byte> bytes, std::size_t at, std::size_t end);

void append_varint(std::string& out, std::uint64_t value);
/// Tag and length of a field of type Bytes.
void append_bytes_header(std::string& out, std::uint32_t number, std::uint64_t length);

}  // namespace mcompress
