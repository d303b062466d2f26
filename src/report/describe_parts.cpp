#include "report/describe_parts.h"

#include <map>
#include <set>
#include <utility>

#include "support/format.h"

namespace mcompress {

namespace {

std::string change(double before, double after) {
    if (before == 0.0) return after == 0.0 ? "" : "new";
    return format("{:+.1f} %", 100.0 * (after / before - 1.0));
}

void add_number(TextTable& table, const std::string& name, std::int64_t before, std::int64_t after) {
    table.add_row({name, with_thousands(before), with_thousands(after), change(static_cast<double>(before), static_cast<double>(after))});
}

}  // namespace

TextTable before_after_table(const ModelSummary& before, const ModelSummary& after) {
    TextTable table({{"", Align::Left}, {"before", Align::Right}, {"after", Align::Right}, {"change", Align::Right}});
    add_number(table, "bytes on disk", static_cast<std::int64_t>(before.bytes), static_cast<std::int64_t>(after.bytes));
    add_number(table, "parameter bytes", before.cost.parameter_bytes, after.cost.parameter_bytes);
    add_number(table, "parameters", before.cost.parameters, after.cost.parameters);
    add_number(table, "MACs", before.cost.macs, after.cost.macs);
    add_number(table, "nodes", static_cast<std::int64_t>(before.nodes), static_cast<std::int64_t>(after.nodes));
    std::set<std::string> ops;
    for (const auto& [op, count] : before.cost.op_counts) ops.insert(op);
    for (const auto& [op, count] : after.cost.op_counts) ops.insert(op);
    for (const std::string& op : ops) {
        const auto count = [&](const ModelSummary& model) {
            const auto found = model.cost.op_counts.find(op);
            return found == model.cost.op_counts.end() ? 0 : found->second;
        };
        if (count(before) != count(after)) add_number(table, "  " + op, count(before), count(after));
    }
    return table;
}

BarChart size_chart(const ModelSummary& before, const ModelSummary& after) {
    return {"size on disk",
            {{"before", static_cast<double>(before.bytes), human_bytes(before.bytes)},
             {"after", static_cast<double>(after.bytes), human_bytes(after.bytes)}}};
}

TextTable pass_table(const std::vector<PassRun>& passes) {
    std::map<std::string, std::pair<int, double>> totals;
    std::vector<std::string> order;
    for (const PassRun& run : passes) {
        if (!totals.contains(run.name)) order.push_back(run.name);
        totals[run.name].first += run.result.rewrites;
        totals[run.name].second += run.seconds;
    }
    TextTable table({{"pass", Align::Left}, {"rewrites", Align::Right}, {"ms", Align::Right}});
    for (const std::string& name : order)
        if (totals[name].first > 0) table.add_row({name, std::to_string(totals[name].first), format("{:.1f}", 1e3 * totals[name].second)});
    return table;
}

TextTable skip_table(const std::vector<Skip>& skips, const std::string& last_column) {
    TextTable table({{"node", Align::Left}, {"op", Align::Left}, {last_column, Align::Left}});
    for (const Skip& skip : skips) table.add_row({skip.node, skip.op, skip.reason});
    return table;
}

std::string saturation_line(const SaturationSummary& saturation) {
    if (saturation.at_risk == 0)
        return format("no pair of codes of {} output channels can saturate in 16 bits (x86 without VNNI)",
                      with_thousands(saturation.channels));
    return format("{} of {} output channels can saturate in 16 bits (x86 without VNNI); the worst pair of codes has {} of 128, in '{}'",
                  with_thousands(saturation.at_risk), with_thousands(saturation.channels), saturation.worst_pair,
                  printable(saturation.worst_node));
}

}  // namespace mcompress
