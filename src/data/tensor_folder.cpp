#include "data/tensor_folder.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

#include "support/error.h"

namespace mcompress {

namespace {

namespace fs = std::filesystem;

/// N of "prefixNsuffix".
std::optional<std::uint32_t> number_in(std::string_view name, std::string_view prefix, std::string_view suffix) {
    if (!name.starts_with(prefix) || !name.ends_with(suffix) || name.size() <= prefix.size() + suffix.size()) return std::nullopt;
    const std::string_view digits = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return number;
}

/// Entries "prefixNsuffix" of a folder in the order of N.
std::vector<fs::path> numbered_entries(const fs::path& folder, std::string_view prefix, std::string_view suffix) {
    std::map<std::uint32_t, fs::path> found;
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
        if (const auto number = number_in(at->path().filename().string(), prefix, suffix)) found.emplace(*number, at->path());
    if (error)
        throw Error(codes::kFileUnreadable, format("{} cannot be listed: {}", folder.string(), error.message()), "check the permissions");
    std::vector<fs::path> paths;
    for (auto& [number, path] : found) paths.push_back(std::move(path));
    return paths;
}

std::vector<fs::path> input_files(const fs::path& folder) { return numbered_entries(folder, "input_", ".pb"); }

std::vector<fs::path> sample_folders(const fs::path& folder) {
    if (!input_files(folder).empty()) return {folder};
    std::vector<fs::path> folders;
    for (fs::path& path : numbered_entries(folder, "test_data_set_", ""))
        if (fs::is_directory(path) && !input_files(path).empty()) folders.push_back(std::move(path));
    return folders;
}

class TensorFolderDataset : public Dataset {
public:
    TensorFolderDataset(std::vector<fs::path> folders, TensorReader reader) : folders_(std::move(folders)), reader_(std::move(reader)) {}

    std::size_t size() const override { return folders_.size(); }
    std::string sample_name(std::size_t index) const override { return folders_.at(index).filename().string(); }

    Sample sample(std::size_t index) const override {
        Sample result;
        for (const fs::path& path : input_files(folders_.at(index))) {
            std::string name;
            Tensor tensor = with_context(format("reading {}", path.string()), [&] { return reader_(path, &name); });
            result.emplace_back(std::move(name), std::move(tensor));
        }
        return result;
    }

private:
    std::vector<fs::path> folders_;
    TensorReader reader_;
};

}  // namespace

bool has_tensor_files(const fs::path& folder) { return !sample_folders(folder).empty(); }

std::unique_ptr<Dataset> make_tensor_folder_dataset(const fs::path& folder, TensorReader reader) {
    auto folders = sample_folders(folder);
    if (folders.empty())
        throw Error(codes::kDataEmpty, format("{} has no input_0.pb and no test_data_set_*/input_0.pb", folder.string()), "check the path");
    MCOMPRESS_CHECK(reader != nullptr);
    return std::make_unique<TensorFolderDataset>(std::move(folders), std::move(reader));
}

}  // namespace mcompress
