#include "pipeline/diff_models.h"

#include "ir/fingerprint.h"
#include "onnx/load.h"
#include "pipeline/diff_weights.h"
#include "pipeline/match_graphs.h"
#include "support/hash.h"

namespace mcompress {

namespace {

using Named = std::map<std::string, std::string>;

/// What differs between two lists of things with names.
std::vector<Change> changes_of(const Named& before, const Named& after) {
    std::vector<Change> changes;
    for (const auto& [name, text] : before) {
        const auto found = after.find(name);
        if (found == after.end()) changes.push_back({name, text, std::nullopt});
        else if (found->second != text) changes.push_back({name, text, found->second});
    }
    for (const auto& [name, text] : after)
        if (!before.contains(name)) changes.push_back({name, std::nullopt, text});
    return changes;
}

Named header_of(const Model& model) {
    Named fields{{"IR version", std::to_string(model.ir_version)}, {"graph name", model.graph->name()}};
    const auto add = [&](const char* name, const std::string& text) {
        if (!text.empty()) fields[name] = text;
    };
    add("producer", model.producer_name);
    add("producer version", model.producer_version);
    add("domain", model.domain);
    add("documentation", model.doc_string);
    if (model.model_version != 0) fields["model version"] = std::to_string(model.model_version);
    for (const auto& [domain, version] : *model.opset_imports)
        fields["opset " + (domain.empty() ? std::string("ai.onnx") : domain)] = std::to_string(version);
    return fields;
}

Named metadata_of(const Model& model) {
    Named entries;
    for (const auto& [key, value] : model.metadata) entries[key] = value;
    return entries;
}

Named functions_of(const Model& model) {
    Named functions;
    for (const Function& function : model.functions) {
        Hasher hasher;
        hasher.add_string(function.bytes);
        functions[function.domain + "." + function.name + (function.overload.empty() ? "" : ":" + function.overload)] =
            format("{} bytes #{}", function.bytes.size(), hasher.hex_digest().substr(0, 12));
    }
    return functions;
}

Named types_of(std::span<Value* const> values) {
    Named types;
    for (const Value* value : values) types[value->name()] = value->type().to_string();
    return types;
}

std::map<std::string, int> operators_of(const Graph& graph, std::size_t& nodes) {
    std::map<std::string, int> counts;
    for_each_graph(const_cast<Graph&>(graph), [&](const Graph& each) {
        for (const Node* node : each.nodes()) ++counts[node->qualified_op_type()], ++nodes;
    });
    return counts;
}

bool same_attribute(const AttributeValue& before, const AttributeValue& after) {
    if (before.index() != after.index()) return false;
    const auto* a = std::get_if<Tensor>(&before);
    if (a) return a->equals(std::get<Tensor>(after));
    if (std::holds_alternative<std::shared_ptr<Graph>>(before)) return true;  // its nodes are compared themselves
    if (const auto* list = std::get_if<std::vector<std::int64_t>>(&before)) return *list == std::get<std::vector<std::int64_t>>(after);
    if (const auto* list = std::get_if<std::vector<float>>(&before)) return *list == std::get<std::vector<float>>(after);
    if (const auto* list = std::get_if<std::vector<std::string>>(&before)) return *list == std::get<std::vector<std::string>>(after);
    return attribute_text(before) == attribute_text(after);
}

void compare_attributes(const Node& before, const Node& after, std::vector<std::string>& changes) {
    for (const Attribute& attribute : before.attributes()) {
        const Attribute* other = after.attribute(attribute.name);
        if (!other) changes.push_back(format("{} = {} is gone", attribute.name, attribute_text(attribute.value)));
        else if (!same_attribute(attribute.value, other->value))
            changes.push_back(format("{}: {} -> {}", attribute.name, attribute_text(attribute.value), attribute_text(other->value)));
    }
    for (const Attribute& attribute : after.attributes())
        if (!before.attribute(attribute.name)) changes.push_back(format("{} = {} is new", attribute.name, attribute_text(attribute.value)));
}

std::string source_of(const Value& value) {
    if (value.producer()) return value.producer()->qualified_op_type() + " '" + value.producer()->display_name() + "'";
    return value.constant() ? "a constant" : "an input";
}

/// Nothing when both read the same; weights that changed are listed among the weights.
std::string input_change(const Value* before, const Value* after, const GraphMatch& match) {
    if (match.same_value(before, after)) return {};
    if (!before) return format("'{}' is new", after->name());
    if (!after) return format("'{}' is gone", before->name());
    const Value* const from = behind_quantizers(before);
    const Value* const to = behind_quantizers(after);
    const bool is_same = match.same_value(from, to) || (from->constant() && to->constant());
    if (!is_same && before->name() != after->name()) return format("'{}' -> '{}'", before->name(), after->name());
    if (!is_same) return format("'{}' of {} -> of {}", before->name(), source_of(*before), source_of(*after));
    if (from == before && to != after) return format("'{}' is quantized: {}", from->name(), quantizer_text(*after->producer()));
    if (from != before && to == after) return format("'{}' is quantized no longer", to->name());
    return {};
}

void compare_nodes(const GraphMatch& match, DiffReport& report) {
    for (const auto& [before, after, by_name] : match.pairs) {
        NodeDifference difference{after->display_name(), after->qualified_op_type(), {}};
        if (before->qualified_op_type() != after->qualified_op_type())
            difference.changes.push_back(format("operator: {} -> {}", before->qualified_op_type(), after->qualified_op_type()));
        compare_attributes(*before, *after, difference.changes);
        for (int index = 0; index < std::max(before->input_count(), after->input_count()); ++index)
            if (const std::string change = input_change(before->input(index), after->input(index), match); !change.empty())
                difference.changes.push_back(format("input {}: {}", index, change));
        if (before->output_count() != after->output_count())
            difference.changes.push_back(format("outputs: {} -> {}", before->output_count(), after->output_count()));
        if (before->display_name() != after->display_name())
            report.nodes_renamed.emplace_back(before->display_name(), after->display_name());
        if (difference.changes.empty()) ++report.nodes_same;
        else report.nodes_changed.push_back(std::move(difference));
    }
    for (const Node* node : match.removed) report.nodes_removed.push_back({node->display_name(), node->qualified_op_type()});
    for (const Node* node : match.added) report.nodes_added.push_back({node->display_name(), node->qualified_op_type()});
}

/// The outputs of a graph are also the values behind them.
void compare_outputs(const Graph& before, const Graph& after, const GraphMatch& match, DiffReport& report) {
    report.outputs = changes_of(types_of(before.outputs()), types_of(after.outputs()));
    for (const Value* value : before.outputs())
        for (const Value* other : after.outputs())
            if (value->name() == other->name() && !match.same_value(value, other) && value->type() == other->type() && value->producer() &&
                other->producer())
                report.outputs.push_back({value->name(),
                                          "of " + value->producer()->qualified_op_type() + " " + value->producer()->display_name(),
                                          "of " + other->producer()->qualified_op_type() + " " + other->producer()->display_name()});
}

}  // namespace

DiffReport diff_models(const std::filesystem::path& before_path, const std::filesystem::path& after_path) {
    const auto before = load_model(before_path), after = load_model(after_path);
    DiffReport report;
    report.before = before_path.string();
    report.after = after_path.string();
    report.is_identical = fingerprint(*before) == fingerprint(*after);
    report.model = changes_of(header_of(*before), header_of(*after));
    report.metadata = changes_of(metadata_of(*before), metadata_of(*after));
    report.functions = changes_of(functions_of(*before), functions_of(*after));
    report.inputs = changes_of(types_of(before->graph->inputs()), types_of(after->graph->inputs()));
    const auto old_counts = operators_of(*before->graph, report.nodes_before), new_counts = operators_of(*after->graph, report.nodes_after);
    for (const auto* counts : {&old_counts, &new_counts})
        for (const auto& [op, count] : *counts) {
            const auto of = [&op = op](const auto& map) { return map.contains(op) ? map.at(op) : 0; };
            if (of(old_counts) != of(new_counts)) report.operators[op] = {of(old_counts), of(new_counts)};
        }
    const GraphMatch match = match_graphs(*before->graph, *after->graph);
    compare_outputs(*before->graph, *after->graph, match, report);
    compare_nodes(match, report);
    diff_weights(*before->graph, *after->graph, match, report);
    diff_quantizers(*before->graph, *after->graph, report);
    return report;
}

}  // namespace mcompress
