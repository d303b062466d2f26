#include "onnx/stamp.h"

#include <algorithm>
#include <map>

#include "onnx/wire.h"
#include "support/error.h"
#include "support/file.h"
#include "support/sha256.h"

namespace mcompress {

namespace {

constexpr std::string_view kPrefix = "mcompress.stamp.";
constexpr std::string_view kVersion = "1";

// Field numbers of onnx.proto.
constexpr std::uint32_t kModelMetadata = 14, kEntryKey = 1, kEntryValue = 2;

using Bytes = std::span<const std::byte>;
using Entry = std::pair<std::string, std::string>;

std::string_view text_of(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

std::string join(const std::vector<std::string>& digests) {
    std::string text;
    for (const std::string& digest : digests) text += (text.empty() ? "" : " ") + digest;
    return text;
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> words;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        words.emplace_back(text.substr(at, end - at));
        at = end + 1;
    }
    return words;
}

/// All entries but the seal, in the order in which they are written and sealed.
std::vector<Entry> entries_of(const SealedStamp& sealed) {
    const Stamp& stamp = sealed.stamp;
    std::vector<Entry> entries{{"version", std::string(kVersion)},
                               {"tool", stamp.tool},
                               {"model", sealed.model},
                               {"input", stamp.input},
                               {"recipe", stamp.recipe}};
    if (!stamp.data.empty()) entries.emplace_back("data", join(stamp.data));
    return entries;
}

std::string seal_of(const SealedStamp& sealed) {
    Sha256 digest;
    for (const auto& [key, value] : entries_of(sealed)) {
        digest.add_string(key);
        digest.add_string(value);
    }
    return digest.hex_digest();
}

void append_text(std::string& out, std::uint32_t number, std::string_view text) {
    append_bytes_header(out, number, text.size());
    out += text;
}

std::string field_of(const Entry& entry) {
    std::string payload;
    append_text(payload, kEntryKey, std::string(kPrefix) + entry.first);
    append_text(payload, kEntryValue, entry.second);
    std::string field;
    append_text(field, kModelMetadata, payload);
    return field;
}

/// The last field of a number, as protobuf reads an entry.
std::string_view find_text(Bytes message, std::uint32_t number) {
    std::string_view text;
    for (std::size_t at = 0; at < message.size();) {
        const auto field = read_field(message, at, message.size());
        if (!field) return text;
        if (field->number == number && field->type == WireType::Bytes)
            text = text_of(message.subspan(field->payload, field->end - field->payload));
        at = field->end;
    }
    return text;
}

/// Calls `rest` with every part of a model file that is no entry of a stamp and `entry` with every field that is one.
template <typename Rest, typename Found> void walk(Bytes file, const std::filesystem::path& path, Rest&& rest, Found&& found) {
    std::size_t begin = 0;
    for (std::size_t at = 0; at < file.size();) {
        const auto field = read_field(file, at, file.size());
        if (!field) throw Error(codes::kModelTruncated, format("{} is damaged at byte {}", path.string(), at));
        const Bytes payload = file.subspan(field->payload, field->end - field->payload);
        if (field->number == kModelMetadata && field->type == WireType::Bytes && find_text(payload, kEntryKey).starts_with(kPrefix)) {
            rest(file.subspan(begin, at - begin));
            found(file.subspan(at, field->end - at), payload);
            begin = field->end;
        }
        at = field->end;
    }
    rest(file.subspan(begin));
}

[[noreturn]] void refuse(const std::string& what) {
    throw Error(codes::kStampInvalid, what, "the stamp was edited; make the model again with --stamp");
}

bool is_digest(std::string_view text) {
    return text.size() == 64 &&
           std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// Takes the value of a key out of the entries.
std::string take(std::map<std::string, std::string>& entries, const std::string& key) {
    const auto found = entries.find(key);
    if (found == entries.end()) refuse(format("the stamp lacks '{}{}'", kPrefix, key));
    std::string value = std::move(found->second);
    entries.erase(found);
    return value;
}

std::string take_digest(std::map<std::string, std::string>& entries, const std::string& key) {
    std::string digest = take(entries, key);
    if (!is_digest(digest)) refuse(format("'{}{}' is '{}', not 64 hexadecimal digits", kPrefix, key, digest.substr(0, 80)));
    return digest;
}

SealedStamp stamp_of(std::map<std::string, std::string> entries) {
    const std::string version = take(entries, "version");
    if (version != kVersion)
        refuse(format("the stamp is of version '{}'; this mcompress reads version {}", version.substr(0, 80), kVersion));
    SealedStamp sealed;
    sealed.stamp.tool = take(entries, "tool");
    sealed.model = take_digest(entries, "model");
    sealed.stamp.input = take_digest(entries, "input");
    sealed.stamp.recipe = take_digest(entries, "recipe");
    sealed.seal = take_digest(entries, "seal");
    if (entries.contains("data")) sealed.stamp.data = split(take(entries, "data"));
    for (const std::string& digest : sealed.stamp.data)
        if (!is_digest(digest)) refuse(format("'{}data' holds '{}', not 64 hexadecimal digits", kPrefix, digest.substr(0, 80)));
    if (!entries.empty()) refuse(format("a stamp has no '{}{}'", kPrefix, entries.begin()->first.substr(0, 80)));
    return sealed;
}

}  // namespace

bool SealedStamp::is_intact() const { return seal == seal_of(*this); }

SealedStamp seal(const Stamp& stamp, std::string model) {
    SealedStamp sealed{stamp, std::move(model), {}};
    sealed.seal = seal_of(sealed);
    return sealed;
}

std::string stamp_fields(const SealedStamp& stamp) {
    std::string fields;
    for (const Entry& entry : entries_of(stamp)) fields += field_of(entry);
    return fields + field_of({"seal", stamp.seal});
}

std::string content_digest(const std::filesystem::path& path, std::vector<std::filesystem::path> data_files) {
    Sha256 digest;
    const auto file = MappedFile::open(path);
    walk(
        std::as_bytes(std::span(file->text())), path, [&](Bytes part) { digest.add_bytes(part.data(), part.size()); }, [](Bytes, Bytes) {});
    std::sort(data_files.begin(), data_files.end());
    for (const auto& each : data_files) {
        const auto data = MappedFile::open(each);
        digest.add_bytes(data->data(), data->size());
        release_pages(data, data->data(), data->size());
    }
    return digest.hex_digest();
}

std::optional<SealedStamp> read_stamp(const std::filesystem::path& path) {
    const auto file = MappedFile::open(path);
    std::map<std::string, std::string> entries;
    walk(
        std::as_bytes(std::span(file->text())), path, [](Bytes) {},
        [&](Bytes field, Bytes payload) {
            Entry entry{std::string(find_text(payload, kEntryKey).substr(kPrefix.size())), std::string(find_text(payload, kEntryValue))};
            // Nothing hides in fields that the digest leaves out.
            if (text_of(field) != field_of(entry))
                refuse(format("'{}{}' holds more than a key and a value", kPrefix, entry.first.substr(0, 80)));
            if (!entries.emplace(entry).second) refuse(format("'{}{}' comes twice", kPrefix, entry.first.substr(0, 80)));
        });
    if (entries.empty()) return std::nullopt;
    return stamp_of(std::move(entries));
}

void drop_stamp(Model& model) {
    std::erase_if(model.metadata, [](const auto& entry) { return entry.first.starts_with(kPrefix); });
}

}  // namespace mcompress
