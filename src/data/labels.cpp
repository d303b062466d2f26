#include "data/labels.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "data/npy_file.h"
#include "support/error.h"
#include "support/file.h"

namespace mcompress {

namespace {

template <typename T> std::vector<std::int64_t> widen(const Tensor& tensor) {
    std::vector<std::int64_t> result;
    for (const T value : tensor.values<T>()) result.push_back(static_cast<std::int64_t>(value));
    return result;
}

struct IntegerRow {
    DType dtype;
    std::vector<std::int64_t> (*widen)(const Tensor&);
};

constexpr IntegerRow kIntegers[] = {
    {DType::UInt8, widen<std::uint8_t>},   {DType::Int8, widen<std::int8_t>},   {DType::UInt16, widen<std::uint16_t>},
    {DType::Int16, widen<std::int16_t>},   {DType::Int32, widen<std::int32_t>}, {DType::Int64, widen<std::int64_t>},
    {DType::UInt32, widen<std::uint32_t>},
};

std::vector<std::int64_t> read_array(const std::filesystem::path& path, std::size_t samples) {
    const Tensor tensor = read_npy(path);
    for (const IntegerRow& row : kIntegers) {
        if (row.dtype != tensor.dtype()) continue;
        auto labels = row.widen(tensor);
        if (labels.size() != samples)
            throw Error(codes::kLabelsMismatch, format("{} has {} labels, there are {} samples", path.string(), labels.size(), samples),
                        "give one label for each sample");
        return labels;
    }
    throw Error(codes::kDataInvalid, format("{} holds {}, not integers", path.string(), dtype_name(tensor.dtype())),
                "save the labels as integers");
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::string file_name(std::string_view path) { return std::string(path.substr(path.find_last_of('/') + 1)); }

std::map<std::string, std::int64_t> read_lines(const std::filesystem::path& path) {
    const auto file = MappedFile::open(path);
    std::map<std::string, std::int64_t> labels;
    std::string_view rest = file->text();
    for (std::size_t number = 1; !rest.empty(); ++number) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        const std::string_view line = trimmed(rest.substr(0, end));
        rest.remove_prefix(std::min(rest.size(), end + 1));
        if (line.empty() || line.front() == '#') continue;
        const std::size_t gap = line.find_last_of(" \t,;");
        const std::string_view digits = gap == std::string_view::npos ? line : line.substr(gap + 1);
        std::int64_t label = 0;
        const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), label);
        if (gap == std::string_view::npos || error != std::errc{} || stop != digits.data() + digits.size())
            throw Error(codes::kDataInvalid, format("{}:{}: '{}' is not a line 'file index'", path.string(), number, line),
                        "write the file's name, a space and the index of its class");
        const std::string name = file_name(trimmed(line.substr(0, gap)));
        const auto [found, is_new] = labels.emplace(name, label);
        if (!is_new && found->second != label)
            throw Error(codes::kLabelsMismatch,
                        format("{}:{}: '{}' has the labels {} and {}", path.string(), number, name, found->second, label), "");
    }
    return labels;
}

}  // namespace

std::vector<std::int64_t> load_labels(const std::filesystem::path& path, const Dataset& data) {
    if (path.extension() == ".npy") return read_array(path, data.size());
    const auto by_name = read_lines(path);
    std::vector<std::int64_t> labels;
    for (std::size_t index = 0; index < data.size(); ++index) {
        const auto found = by_name.find(file_name(data.sample_name(index)));
        if (found == by_name.end())
            throw Error(codes::kLabelsMismatch, format("{} has no label for '{}'", path.string(), data.sample_name(index)),
                        "check that the labels belong to this data");
        labels.push_back(found->second);
    }
    return labels;
}

}  // namespace mcompress
