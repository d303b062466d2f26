// Raw and compressed bytes of a model, and the zeros of its constants.
#include <algorithm>

#include "report/describe.h"
#include "report/inspect_report.h"
#include "report/model_json.h"
#include "support/format.h"

namespace mcompress {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kShown = 20;

std::string thousands(std::uint64_t value) { return with_thousands(static_cast<std::int64_t>(value)); }

double share(double part, double whole) { return whole == 0.0 ? 0.0 : part / whole; }

TextTable constant_table(const SizeReport& report, std::size_t shown) {
    TextTable table({{"constant", Align::Left},
                     {"of", Align::Left},
                     {"op", Align::Left},
                     {"type", Align::Left},
                     {"zeros", Align::Right},
                     {"bytes", Align::Right},
                     {"zstd", Align::Right},
                     {"", Align::Right}});
    for (const ConstantSize& each : std::span(report.constants).first(std::min(shown, report.constants.size())))
        table.add_row({each.name, each.node, each.op, each.type,
                       percent(share(static_cast<double>(each.zeros), static_cast<double>(each.elements)), 1), thousands(each.bytes),
                       thousands(each.packed), percent(share(static_cast<double>(each.packed), static_cast<double>(each.bytes)), 1)});
    return table;
}

}  // namespace

std::int64_t SizeReport::elements() const {
    std::int64_t sum = 0;
    for (const ConstantSize& each : constants) sum += each.elements;
    return sum;
}

std::int64_t SizeReport::zeros() const {
    std::int64_t sum = 0;
    for (const ConstantSize& each : constants) sum += each.zeros;
    return sum;
}

Document describe(const SizeReport& report) {
    Document document = describe(report.model);
    document.fact("archive",
                  format("about {} of {} bytes with zstd at level {}: {}", thousands(report.packed), thousands(report.bytes), report.level,
                         percent(share(static_cast<double>(report.packed), static_cast<double>(report.bytes)), 1)));
    document.fact("zeros", format("{} of {} numbers: {}", with_thousands(report.zeros()), with_thousands(report.elements()),
                                  percent(share(static_cast<double>(report.zeros()), static_cast<double>(report.elements())), 1)));
    document.table(constant_table(report, kShown));
    if (report.constants.size() > kShown) document.long_table("every constant", constant_table(report, report.constants.size()));
    return document;
}

std::string to_json(const SizeReport& report) {
    Json json = inspect_json(report.model);
    Json constants = Json::array();
    for (const ConstantSize& each : report.constants)
        constants.push_back({{"name", each.name},
                             {"node", each.node},
                             {"op", each.op},
                             {"type", each.type},
                             {"elements", each.elements},
                             {"zeros", each.zeros},
                             {"bytes", each.bytes},
                             {"zstd_bytes", each.packed}});
    json["sizes"] = {{"zstd_level", report.level},    {"bytes", report.bytes},   {"zstd_bytes", report.packed},
                     {"elements", report.elements()}, {"zeros", report.zeros()}, {"constants", std::move(constants)}};
    return dump_json(json);
}

}  // namespace mcompress
