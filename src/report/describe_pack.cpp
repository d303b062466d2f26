// What packing made of a model's bytes.
#include "report/model_json.h"
#include "report/pack_report.h"
#include "support/format.h"

namespace mcompress {

namespace {

using Json = nlohmann::ordered_json;

std::string thousands(std::uint64_t value) { return with_thousands(static_cast<std::int64_t>(value)); }

std::string share(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? "" : percent(static_cast<double>(part) / static_cast<double>(whole), 1);
}

void add_use(TextTable& table, std::string name, const TransformUse& use) {
    if (use.bytes > 0)
        table.add_row({std::move(name), thousands(use.pieces), thousands(use.bytes), thousands(use.packed), share(use.packed, use.bytes)});
}

Json use_json(std::string_view name, const TransformUse& use) {
    return {{"stored_as", name}, {"pieces", use.pieces}, {"bytes", use.bytes}, {"packed", use.packed}};
}

}  // namespace

Document describe(const PackReport& report) {
    const bool packs = report.direction == PackReport::Direction::Pack;
    const ArchiveSummary& summary = report.summary;
    Document document(packs ? "pack " + report.model : "unpack " + report.archive);
    document.fact(packs ? "packed" : "unpacked",
                  format("{} bytes in {} file{}, {} bytes as an archive: {}", thousands(summary.bytes), summary.files.size(),
                         summary.files.size() == 1 ? "" : "s", thousands(summary.packed), share(summary.packed, summary.bytes)));
    TextTable table(
        {{"stored as", Align::Left}, {"pieces", Align::Right}, {"bytes", Align::Right}, {"packed", Align::Right}, {"", Align::Right}});
    for (const auto& [kind, use] : summary.tensors)
        add_use(table, format("tensors, {}", find_transform(static_cast<std::uint64_t>(kind))->name), use);
    add_use(table, "graph, names, small tensors", summary.rest);
    document.table(table);
    document.paragraph(packs ? "mcompress unpack gives back the same bytes" : "every checksum is right");
    return document;
}

std::string to_json(const PackReport& report) {
    const bool packs = report.direction == PackReport::Direction::Pack;
    Json json{{"schema", packs ? "mcompress/pack" : "mcompress/unpack"}, {"schema_version", 1}};
    json["model"] = report.model;
    json["archive"] = report.archive;
    json["bytes"] = report.summary.bytes;
    json["packed"] = report.summary.packed;
    Json files = Json::array();
    for (const ArchivedFile& file : report.summary.files) files.push_back({{"name", file.name}, {"bytes", file.bytes}});
    json["files"] = std::move(files);
    Json uses = Json::array();
    for (const auto& [kind, use] : report.summary.tensors)
        uses.push_back(use_json(find_transform(static_cast<std::uint64_t>(kind))->name, use));
    uses.push_back(use_json("rest", report.summary.rest));
    json["contents"] = std::move(uses);
    return dump_json(json);
}

}  // namespace mcompress
