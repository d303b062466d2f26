// JSON written by people and tools: what the library accepts in silence (keys that come twice, endless nesting) is refused.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

namespace mcompress {

/// Keys keep their order. `what` names the text in messages: "the recipe". Throws kUsage for what is no JSON (with line and column), for a key that comes
/// twice, for nesting beyond 64 levels and for more than 16 MiB.
nlohmann::ordered_json parse_strict_json(std::string_view text, std::string_view what);
/// The same of a file; messages name it.
nlohmann::ordered_json read_strict_json(const std::filesystem::path& path, std::string_view what);

}  // namespace mcompress
