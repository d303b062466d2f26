#include "pipeline/eval_command.h"

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "support/error.h"
#include "support/subprocess.h"

namespace mcompress {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kRemedy = "it must take a model file as its last argument and print an accuracy as its last line";

std::string_view last_line(std::string_view text) {
    const std::size_t end = text.find_last_not_of(" \t\r\n");
    if (end == std::string_view::npos) return {};
    text = text.substr(0, end + 1);
    const std::size_t begin = text.rfind('\n');
    return begin == std::string_view::npos ? text : text.substr(begin + 1);
}

const Json* number_in(const Json& json) {
    if (json.is_number()) return &json;
    if (!json.is_object()) return nullptr;
    if (const auto named = json.find("accuracy"); named != json.end()) return named->is_number() ? &*named : nullptr;
    const Json* found = nullptr;
    for (const auto& [key, value] : json.items()) {
        if (!value.is_number()) continue;
        if (found) return nullptr;
        found = &value;
    }
    return found;
}

}  // namespace

TemporaryModel::TemporaryModel() {
    std::string name = (fs::temp_directory_path() / "mcompress-XXXXXX").string();
    if (!::mkdtemp(name.data()))
        throw Error(codes::kFileUnwritable, format("no folder can be made in {}", fs::temp_directory_path().string()), "set TMPDIR");
    folder_ = name;
    unfinished_.emplace(folder_);
}

TemporaryModel::~TemporaryModel() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

double accuracy_from(std::string_view printed) {
    // The whole may be one JSON document over several lines.
    for (const std::string_view text : {last_line(printed), printed}) {
        const Json json = Json::parse(text, nullptr, false);
        const Json* number = json.is_discarded() ? nullptr : number_in(json);
        if (number && std::isfinite(number->get<double>())) return number->get<double>();
    }
    throw Error(codes::kUsage, format("the evaluation command's last line is no accuracy: '{}'", last_line(printed).substr(0, 200)),
                kRemedy);
}

double run_eval_command(const std::string& command, const fs::path& model, double max_seconds) {
    const SubprocessResult result = run_subprocess({"/bin/sh", "-c", command + " \"$1\"", "sh", model.string()}, max_seconds);
    if (result.timed_out)
        throw Error(codes::kUsage, format("the evaluation command ran longer than {} s and was ended", max_seconds),
                    "make it faster, or raise --eval-timeout");
    if (result.signal != 0) throw Error(codes::kUsage, format("the evaluation command was ended by signal {}", result.signal), kRemedy);
    if (result.exit_code != 0)
        throw Error(codes::kUsage, format("the evaluation command ended with exit code {}", result.exit_code), kRemedy);
    return accuracy_from(result.output);
}

}  // namespace mcompress
