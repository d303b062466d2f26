#include "pipeline/strict_json.h"

#include <string>
#include <unordered_set>
#include <vector>

#include "support/error.h"
#include "support/file.h"

namespace mcompress {

namespace {

constexpr int kDeepest = 64;
constexpr std::size_t kMostBytes = std::size_t{16} << 20;

}  // namespace

nlohmann::ordered_json parse_strict_json(std::string_view text, std::string_view what) {
    using Json = nlohmann::ordered_json;
    if (text.size() > kMostBytes)
        throw Error(codes::kUsage, format("{} has {} bytes", what, text.size()), format("at most {} are read", kMostBytes));
    std::vector<std::unordered_set<std::string>> open;
    try {
        return Json::parse(text, [&](int depth, Json::parse_event_t event, Json& value) {
            if (depth > kDeepest)
                throw Error(codes::kUsage, format("{} is nested too deeply", what), format("{} levels are read", kDeepest));
            if (event == Json::parse_event_t::object_start) open.emplace_back();
            if (event == Json::parse_event_t::object_end) open.pop_back();
            if (event == Json::parse_event_t::key && !open.back().insert(value.get<std::string>()).second)
                throw Error(codes::kUsage, format("'{}' comes twice in {}", value.get<std::string>(), what), "keep one of them");
            return true;
        });
    } catch (const Json::exception& error) {
        throw Error(codes::kUsage, format("{} is no JSON: {}", what, error.what()), "check it with a JSON tool");
    }
}

nlohmann::ordered_json read_strict_json(const std::filesystem::path& path, std::string_view what) {
    const auto file = MappedFile::open(path);
    return with_context([&] { return format("while reading {}", path.string()); }, [&] { return parse_strict_json(file->text(), what); });
}

}  // namespace mcompress
