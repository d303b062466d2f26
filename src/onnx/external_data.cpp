#include "onnx/external_data.h"

#include <algorithm>
#include <charconv>

#include "onnx/sha1.h"
#include "support/error.h"

namespace mcompress {

namespace {

namespace fs = std::filesystem;

constexpr const char* kRemedy = "external data has to lie beside the model or below its folder";

[[noreturn]] void refuse(const std::string& message, const char* remedy = kRemedy) { throw Error(codes::kExternalData, message, remedy); }

/// Control characters of hostile names never reach a terminal.
std::string quoted(const std::string& location) {
    std::string text = "'";
    for (const char c : location.substr(0, 200)) text += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    return text + (location.size() > 200 ? "…'" : "'");
}

/// Refuses what can never be a relative path to a file below the model, on any system.
void check_location(const std::string& location) {
    if (location.empty()) refuse("the location of the external data is empty", "export the model again");
    if (location.find('\0') != std::string::npos) refuse(format("the external data file {} has a NUL in its name", quoted(location)));
    if (location.find('\\') != std::string::npos) refuse(format("the external data file {} has a backslash in its name", quoted(location)));
    const bool has_drive = location.size() > 1 && location[1] == ':';
    if (location.front() == '/' || has_drive) refuse(format("the external data file {} is an absolute path", quoted(location)));
    const fs::path normal = fs::path(location).lexically_normal();
    if (normal.begin() != normal.end() && *normal.begin() == "..")
        refuse(format("the external data file {} leaves the model's folder", quoted(location)));
}

bool is_below(const fs::path& path, const fs::path& folder) {
    const auto [in_folder, in_path] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
    return in_folder == folder.end() && in_path != path.end();
}

std::uint64_t parse_number(const char* what, const std::string& text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size())
        refuse(format("the {} of the external data is {}, not a number of bytes", what, quoted(text)), "export the model again");
    return value;
}

}  // namespace

ExternalFiles::ExternalFiles(std::vector<fs::path> folders) {
    if (!folders.empty()) base_ = folders.front();
    for (const fs::path& folder : folders) {
        std::error_code error;
        fs::path real = fs::canonical(folder.empty() ? fs::path(".") : folder, error);
        if (!error) folders_.push_back(std::move(real));
    }
}

std::shared_ptr<const MappedFile> ExternalFiles::open(const std::string& location) {
    check_location(location);
    if (folders_.empty()) refuse(format("the external data file {} cannot be found: the model has no folder", quoted(location)));
    std::error_code error;
    const fs::path real = fs::canonical(base_ / location, error);
    if (error) refuse(format("the external data file {} does not exist", quoted(location)), "put the data file beside the model");
    if (std::none_of(folders_.begin(), folders_.end(), [&](const fs::path& folder) { return is_below(real, folder); }))
        refuse(format("the external data file {} is a link that leaves the model's folder", quoted(location)));
    // Asked before it is opened: opening a device can have effects.
    if (!fs::is_regular_file(real, error)) refuse(format("the external data file {} is not a regular file", quoted(location)));
    return MappedFile::open(real);
}

void ExternalFiles::check_sum(const ExternalLocation& where, const MappedFile& file) {
    std::string& sum = checksums_[where.location];
    if (sum.empty()) sum = sha1_hex({file.data(), file.size()});
    std::string wanted = where.checksum;
    for (char& c : wanted)
        if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    if (sum != wanted)
        refuse(
            format("the external data file {} has the SHA-1 {}, the model names {}", quoted(where.location), sum, quoted(where.checksum)),
            "the data file is damaged or belongs to another model");
}

ExternalFiles::Bytes ExternalFiles::find(const ExternalLocation& where, std::size_t wanted) {
    auto& file = files_[where.location];
    if (!file) file = open(where.location);
    const std::uint64_t offset = where.offset.empty() ? 0 : parse_number("offset", where.offset);
    const std::uint64_t length = where.length.empty() ? wanted : parse_number("length", where.length);
    if (length != wanted)
        refuse(format("the external data has a length of {} bytes where shape and type need {}", length, wanted), "export the model again");
    if (offset > file->size() || wanted > file->size() - offset)
        refuse(format("bytes {}+{} lie beyond the end of the external data file {} of {} bytes", offset, wanted, quoted(where.location),
                      file->size()),
               "the data file is cut off or belongs to another model");
    if (!where.checksum.empty()) check_sum(where, *file);
    return {file, static_cast<std::size_t>(offset)};
}

std::vector<fs::path> ExternalFiles::opened() const {
    std::vector<fs::path> paths;
    for (const auto& [location, file] : files_)
        if (file) paths.push_back(file->path());
    std::sort(paths.begin(), paths.end());
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    return paths;
}

}  // namespace mcompress
