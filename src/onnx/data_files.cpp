#include "onnx/data_files.h"

#include <set>
#include <span>
#include <string>

#include "onnx/wire.h"
#include "support/file.h"

namespace mcompress {

namespace {

using Bytes = std::span<const std::byte>;

// Field numbers of onnx.proto.
constexpr std::uint32_t kModelGraph = 7, kGraphInitializer = 5, kTensorExternalData = 13, kEntryKey = 1, kEntryValue = 2;

/// Calls `visit` with the payload of every field of that number and of type Bytes.
template <typename Visit> void for_each_field(Bytes message, std::uint32_t number, Visit&& visit) {
    for (std::size_t at = 0; at < message.size();) {
        const auto field = read_field(message, at, message.size());
        if (!field) return;
        if (field->number == number && field->type == WireType::Bytes) visit(message.subspan(field->payload, field->end - field->payload));
        at = field->end;
    }
}

std::string text_of(Bytes entry, std::uint32_t number) {
    std::string text;
    for_each_field(entry, number, [&](Bytes payload) { text.assign(reinterpret_cast<const char*>(payload.data()), payload.size()); });
    return text;
}

}  // namespace

std::vector<std::filesystem::path> data_files_of(const std::filesystem::path& model) {
    const auto file = MappedFile::open(model);
    std::set<std::string> names;
    for_each_field(std::as_bytes(std::span(file->text())), kModelGraph, [&](Bytes graph) {
        for_each_field(graph, kGraphInitializer, [&](Bytes tensor) {
            for_each_field(tensor, kTensorExternalData, [&](Bytes entry) {
                if (text_of(entry, kEntryKey) == "location") names.insert(text_of(entry, kEntryValue));
            });
        });
    });
    std::vector<std::filesystem::path> files;
    for (const std::string& name : names) files.push_back(model.parent_path() / name);
    return files;
}

}  // namespace mcompress
