// SHA-1 (FIPS 180-4), because ONNX's external data names files by it. It detects damage; it proves nothing about who made the file.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace mcompress {

/// 40 lower-case hexadecimal digits.
std::string sha1_hex(std::span<const std::byte> bytes);

}  // namespace mcompress
