#include "report/error_report.h"

#include <nlohmann/json.hpp>

#include "support/format.h"

namespace mcompress {

Document describe(const ErrorReport& report) {
    Document document("explain");
    if (report.entries.size() == 1) {
        const ErrorEntry& entry = report.entries.front();
        document.fact(entry.code.id, format("{} (exit code {})", entry.code.summary, static_cast<int>(entry.code.kind)));
        document.fact("meaning", entry.meaning);
        document.fact("remedy", entry.remedy);
        return document;
    }
    TextTable table({{"code", Align::Left}, {"exit code", Align::Right}, {"says", Align::Left}});
    for (const ErrorEntry& entry : report.entries)
        table.add_row({entry.code.id, std::to_string(static_cast<int>(entry.code.kind)), entry.code.summary});
    document.table(std::move(table));
    return document;
}

std::string to_json(const ErrorReport& report) {
    using Json = nlohmann::ordered_json;
    Json json{{"schema", "mcompress/errors"}, {"schema_version", 1}, {"errors", Json::array()}};
    for (const ErrorEntry& entry : report.entries)
        json["errors"].push_back({{"code", entry.code.id},
                                  {"exit_code", static_cast<int>(entry.code.kind)},
                                  {"summary", entry.code.summary},
                                  {"meaning", entry.meaning},
                                  {"remedy", entry.remedy}});
    return json.dump(2) + "\n";
}

}  // namespace mcompress
