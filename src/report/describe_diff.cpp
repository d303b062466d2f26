// What tells two models apart, for people.
#include "report/diff_report.h"
#include "support/format.h"

namespace mcompress {

namespace {

class DiffDescription {
public:
    explicit DiffDescription(const DiffReport& report) : report_(report), document_("diff " + report.before + " " + report.after) {}

    Document run() {
        document_.fact("before", report_.before);
        document_.fact("after", report_.after);
        document_.fact("nodes",
                       format("{} -> {}: {} the same, {} changed, {} removed, {} added", report_.nodes_before, report_.nodes_after,
                              report_.nodes_same, report_.nodes_changed.size(), report_.nodes_removed.size(), report_.nodes_added.size()));
        document_.fact("weights", format("{} the same, {} changed, removed or added", report_.weights_same, report_.weights.size()));
        if (report_.is_identical) document_.paragraph("the models are identical", Tone::Good);
        if (report_.is_only_carried())
            document_.paragraph("names of values, the order of nodes, or fields that are carried along without being understood differ");
        add_changes("model", report_.model);
        add_changes("metadata", report_.metadata);
        add_changes("function", report_.functions);
        add_changes("input", report_.inputs);
        add_changes("output", report_.outputs);
        add_operators();
        add_nodes("removed node", report_.nodes_removed);
        add_nodes("added node", report_.nodes_added);
        add_changed_nodes();
        add_renamed();
        add_weights();
        add_changes("quantizer of", report_.quantizers);
        return std::move(document_);
    }

private:
    /// The first rows in text, with how many more there are; all of them for a page.
    void add(const std::string& title, const TextTable& all) {
        if (all.empty()) return;
        TextTable shown(all.columns());
        const std::size_t count = std::min(report_.most_shown, all.rows().size());
        for (std::size_t at = 0; at < count; ++at) shown.add_row(all.rows()[at]);
        document_.table(std::move(shown));
        if (count == all.rows().size()) return;
        document_.paragraph(format("({} more; --limit shows more, the JSON report has all)", all.rows().size() - count));
        document_.long_table(title, all);
    }

    void add_changes(const std::string& title, const std::vector<Change>& changes) {
        TextTable table({{title, Align::Left}, {"before", Align::Left}, {"after", Align::Left}});
        for (const Change& change : changes) table.add_row({change.name, change.before.value_or("-"), change.after.value_or("-")});
        add(title, table);
    }

    void add_operators() {
        TextTable table({{"operator", Align::Left}, {"before", Align::Right}, {"after", Align::Right}, {"change", Align::Right}});
        for (const auto& [op, counts] : report_.operators)
            table.add_row({op, std::to_string(counts.first), std::to_string(counts.second), format("{:+d}", counts.second - counts.first)});
        add("operators", table);
    }

    void add_nodes(const std::string& title, const std::vector<NodeRef>& nodes) {
        TextTable table({{title, Align::Left}, {"op", Align::Left}});
        for (const NodeRef& node : nodes) table.add_row({node.node, node.op});
        add(title, table);
    }

    void add_changed_nodes() {
        TextTable table({{"changed node", Align::Left}, {"op", Align::Left}, {"what", Align::Left}});
        for (const NodeDifference& node : report_.nodes_changed)
            for (std::size_t at = 0; at < node.changes.size(); ++at)
                table.add_row({at == 0 ? node.node : "", at == 0 ? node.op : "", node.changes[at]});
        add("changed nodes", table);
    }

    void add_renamed() {
        TextTable table({{"renamed node", Align::Left}, {"now", Align::Left}});
        for (const auto& [before, after] : report_.nodes_renamed) table.add_row({before, after});
        add("renamed nodes", table);
    }

    void add_weights() {
        TextTable table({{"weight", Align::Left},
                         {"before", Align::Left},
                         {"after", Align::Left},
                         {"largest difference", Align::Right},
                         {"SQNR", Align::Right}});
        for (const WeightDifference& weight : report_.weights)
            table.add_row({weight.new_name.empty() ? weight.name : weight.name + " -> " + weight.new_name,
                           weight.type_before.empty() ? "-" : weight.type_before, weight.type_after.empty() ? "-" : weight.type_after,
                           weight.max_difference ? format("{:.4g}", *weight.max_difference) : "",
                           weight.sqnr_db ? decibels(*weight.sqnr_db) : ""});
        add("weights", table);
    }

    const DiffReport& report_;
    Document document_;
};

}  // namespace

bool DiffReport::is_only_carried() const {
    return !is_identical && model.empty() && metadata.empty() && functions.empty() && inputs.empty() && outputs.empty() &&
           nodes_removed.empty() && nodes_added.empty() && nodes_changed.empty() && nodes_renamed.empty() && weights.empty() &&
           quantizers.empty();
}

Document describe(const DiffReport& report) { return DiffDescription(report).run(); }

}  // namespace mcompress
