#include "passes/quantize/quantization_plan.h"

#include <algorithm>

#include "ir/topology.h"
#include "ops/attributes.h"
#include "ops/control_flow.h"
#include "passes/quantize/quantized_view.h"
#include "support/nearest.h"

namespace mcompress {
namespace {

/// The names in `exclude`, checked against every node of the graph and its bodies.
std::unordered_set<std::string> checked_exclusions(const Graph& graph, const std::vector<std::string>& exclude) {
    std::unordered_set<std::string> wanted(exclude.begin(), exclude.end());
    if (wanted.empty()) return wanted;
    std::vector<std::string> known;
    for_each_graph(const_cast<Graph&>(graph), [&](Graph& current) {
        for (const Node* node : current.nodes()) known.push_back(node->display_name());
    });
    const std::unordered_set<std::string> names(known.begin(), known.end());
    for (const std::string& name : exclude) {
        if (names.contains(name)) continue;
        const std::string nearest = nearest_word(name, known);
        throw Error(codes::kUsage, format("no node is called '{}', so it cannot be excluded", name),
                    nearest.empty() ? "`mcompress inspect` lists the nodes" : format("did you mean '{}'?", nearest));
    }
    return wanted;
}

constexpr std::string_view kExcluded = "excluded by name";
constexpr std::string_view kRounds = "errors of 8 bits add up over the rounds of a loop";

bool may_be_float32(const Value* value) {
    const ValueType& type = value->type();
    return type.dtype == DType::Undefined || type.dtype == DType::Float32;
}

/// Inputs of the node's body that hold what the round before gave.
std::span<Value* const> carried_inputs(const Node& node) {
    if (node.is("Loop")) {
        const auto inputs = attrs<LoopAttrs>(node).body->inputs();
        return inputs.subspan(std::min<std::size_t>(inputs.size(), 2));
    }
    if (!node.is("Scan") || node.opset_version() < 9) return {};
    const ScanAttrs scan = attrs<ScanAttrs>(node);
    const auto states = static_cast<std::int64_t>(scan.body->inputs().size()) - scan.num_scan_inputs;
    return scan.body->inputs().first(static_cast<std::size_t>(std::max<std::int64_t>(states, 0)));
}

/// Values that depend on what the round before of a Loop or Scan gave, in the body and in what lies inside it.
std::unordered_set<const Value*> values_of_rounds(const Graph& graph) {
    std::unordered_set<const Value*> found;
    const auto depends = [&](const Value* value) { return found.contains(value); };
    for_each_graph(const_cast<Graph&>(graph), [&](Graph& each) {
        for (const Node* node : each.order()) {
            const std::vector<Value*> captured = node->subgraphs().empty() ? std::vector<Value*>{} : captured_values(*node);
            if (std::any_of(node->inputs().begin(), node->inputs().end(), depends) ||
                std::any_of(captured.begin(), captured.end(), depends)) {
                found.insert(node->outputs().begin(), node->outputs().end());
                for (const Graph* body : node->subgraphs()) found.insert(body->inputs().begin(), body->inputs().end());
            }
            const auto carried = carried_inputs(*node);
            found.insert(carried.begin(), carried.end());
        }
    });
    return found;
}

/// What the planners of a graph and its bodies have in common.
struct PlanScope {
    const QuantizationScheme& scheme;
    std::unordered_set<std::string> excluded;
    std::unordered_set<const Value*> of_rounds;
};

/// Plans one graph; its bodies have planners of their own.
class Planner {
public:
    Planner(Graph& graph, const PlanScope& scope, QuantizationPlan& plan)
        : graph_(graph), scheme_(scope.scheme), scope_(scope), order_(graph.order()), excluded_(scope.excluded), plan_(plan) {}

    void run() {
        if (scheme_.activations == ActivationMode::Static) {
            choose_candidates();
            follow_demand();
            collect_observed();
        } else {
            choose_weights();
        }
        collect_skipped();
    }

private:
    /// The value whose parameters `value` has: through transparent nodes and PassThrough operators.
    const Value* root(const Value* value) const {
        if (value && &value->graph() != &graph_) return see_through(const_cast<Value*>(value));
        const auto found = roots_.find(value);
        return found == roots_.end() ? value : found->second;
    }

    void leave(const Node* node, std::string_view reason) { reasons_.emplace(node, reason); }

    /// Why somebody decided to leave the node in float; empty when nobody did.
    std::string_view decision(const Node& node) const {
        const std::string name = node.display_name();
        const auto kept = scheme_.keep_float.find(name);
        if (kept != scheme_.keep_float.end()) return kept->second;
        return excluded_.contains(name) ? kExcluded : std::string_view{};
    }

    bool is_excluded(const Node* node) {
        const std::string_view reason = decision(*node);
        if (!reason.empty()) leave(node, reason);
        return !reason.empty();
    }

    // ---- forward: which nodes could be computed in integers ----

    void choose_candidates() {
        for (Node* node : order_) {
            if (is_transparent(*node)) {
                roots_[node->output(0)] = root(node->input(0));
                continue;
            }
            const OpRule& rule = find_op_rule(*node);
            if (is_excluded(node) || absorbed_.contains(node)) continue;
            if (const std::string_view reason = refusal(*node, rule); !reason.empty()) {
                leave(node, reason);
            } else if (rule.role == QuantizedRole::PassThrough) {
                pass_through_.insert(node);
                for (const Value* output : node->outputs())
                    if (output) roots_[output] = root(node->input(0));
            } else {
                candidates_.emplace(node, &rule);
                result_of_[node] = absorb_activation(*node, rule);
                results_.insert(result_of_[node]);
            }
        }
    }

    /// Why a node cannot be a candidate; empty when it can.
    std::string_view refusal(const Node& node, const OpRule& rule) const {
        if (rule.role == QuantizedRole::Float) return rule.reason;
        if (rule.refuse)
            if (const std::string_view reason = rule.refuse(node); !reason.empty()) return reason;
        if (rule.role == QuantizedRole::Activation) return "it does not follow a quantized operator that nothing else reads";
        if (!node.input(0) || !node.output(0)) return "an input or output is absent";

        bool from_unit = false;
        for (int index = 0; index < activation_input_count(node, rule); ++index) {
            const Value* value = root(node.input(index));
            if (!value) return "an input is absent";
            if (known_tensor(value)) return rule.role == QuantizedRole::Compute ? "its input is a constant" : "an operand is a constant";
            if (!may_be_float32(node.input(index)) || !may_be_float32(value)) return "its values are not float32";
            if (rule.role != QuantizedRole::PassThrough && scope_.of_rounds.contains(value)) return kRounds;
            from_unit = from_unit || results_.contains(value);
        }
        if (rule.role == QuantizedRole::Compute) return weight_refusal(node, rule);
        if (rule.role == QuantizedRole::PassThrough || from_unit) return {};
        return "no operand comes from a quantized operator";
    }

    std::string_view weight_refusal(const Node& node, const OpRule& rule) const {
        const Tensor* weight = known_tensor(see_through(node.input(rule.weight_input)));
        if (!weight) return "its weight is not a constant";
        if (weight->dtype() != DType::Float32 && weight->dtype() != scheme_.weight_dtype) return "its weight is not float32";
        if (weight->shape().rank() < 2 || weight->element_count() == 0) return "its weight is not a matrix or a kernel";
        const Value* bias = rule.bias_input >= 0 ? node.input(rule.bias_input) : nullptr;
        if (bias && scheme_.activations == ActivationMode::Static && !known_tensor(see_through(const_cast<Value*>(bias))))
            return "its bias is not a constant";
        return {};
    }

    /// A Relu or Clip that alone reads the node's output belongs to the unit. Returns the unit's result.
    const Value* absorb_activation(const Node& node, const OpRule& rule) {
        const Value* result = node.output(0);
        if (rule.role != QuantizedRole::Compute && rule.role != QuantizedRole::Arithmetic) return result;
        const std::vector<Use> uses = readers(result);
        if (uses.size() != 1 || uses[0].index != 0 || &uses[0].node->graph() != &graph_ || reaches_output(result)) return result;
        const Node* activation = uses[0].node;
        const OpRule& activation_rule = find_op_rule(*activation);
        if (activation_rule.role != QuantizedRole::Activation) return result;
        if (activation_rule.refuse && !activation_rule.refuse(*activation).empty()) return result;
        if (!decision(*activation).empty()) return result;
        absorbed_.insert(activation);
        return activation->output(0);
    }

    // ---- backward: which of them something quantized reads ----

    void follow_demand() {
        for (auto node = order_.rbegin(); node != order_.rend(); ++node) follow_demand(**node);
    }

    void follow_demand(const Node& node) {
        for (const Value* captured : captured_values(node)) lasting_.insert(captured);
        if (is_transparent(node) || absorbed_.contains(&node) || pass_through_.contains(&node)) {
            for (const Value* output : node.outputs()) {
                if (!output) continue;
                if (lasting_.contains(output)) lasting_.insert(node.input(0));
                if (!plan_.demanded.contains(output)) continue;
                plan_.demanded.insert(node.input(0));
                if (pass_through_.contains(&node)) plan_.carriers.insert(&node);
            }
            return;
        }
        for (const Value* input : node.inputs())
            if (input) lasting_.insert(input);
        const auto found = candidates_.find(&node);
        if (found == candidates_.end()) return;
        const OpRule& rule = *found->second;
        if (rule.role != QuantizedRole::Compute && !plan_.demanded.contains(node.output(0))) {
            leave(&node, "nothing that reads its result is quantized");
            return;
        }
        plan_.units.emplace(&node, &rule);
        for (int index = 0; index < activation_input_count(node, rule); ++index) plan_.demanded.insert(node.input(index));
    }

    // ---- the values that need parameters ----

    void collect_observed() {
        std::unordered_set<const Value*> seen;
        std::unordered_set<const Value*> derived;
        const auto observe = [&](const Value* value) {
            if (!derived.contains(value) && seen.insert(value).second) plan_.observed.push_back({const_cast<Value*>(value), &graph_});
        };
        for (const Node* node : order_) {
            const auto unit = plan_.units.find(node);
            if (unit == plan_.units.end()) continue;
            const OpRule& rule = *unit->second;
            for (int index = 0; index < activation_input_count(*node, rule); ++index) observe(root(node->input(index)));
            const Value* result = result_of_.at(node);
            plan_.unit_results.insert(result);
            if (rule.role == QuantizedRole::Concat) derived.insert(result);
            if (rule.result == ResultQuantizer::Always && lasting_.contains(result)) observe(result);
        }
    }

    // ---- weights only ----

    void choose_weights() {
        for (Node* node : order_) {
            const OpRule& rule = find_op_rule(*node);
            if (rule.role != QuantizedRole::Compute || is_excluded(node)) continue;
            if (const std::string_view reason = weight_refusal(*node, rule); !reason.empty()) leave(node, reason);
            else plan_.units.emplace(node, &rule);
        }
    }

    // ---- the account ----

    /// Operators that carry float data and are no mere carriers: the ones whose precision a reader of the report asks about.
    bool is_reported(const Node& node) const {
        const OpRule& rule = find_op_rule(node);
        if (rule.role == QuantizedRole::Compute) return true;
        if (scheme_.activations == ActivationMode::Float || node.is("Constant") || !node.subgraphs().empty()) return false;
        if (rule.role == QuantizedRole::PassThrough && decision(node).empty()) return false;
        return node.output(0) && is_float(node.output(0)->type().dtype);
    }

    void collect_skipped() {
        for (const Node* node : order_) {
            const auto reason = reasons_.find(node);
            if (reason != reasons_.end() && is_reported(*node))
                plan_.skipped.push_back({node->display_name(), node->op_type(), std::string(reason->second)});
        }
    }

    Graph& graph_;
    const QuantizationScheme& scheme_;
    const PlanScope& scope_;
    std::vector<Node*> order_;
    const std::unordered_set<std::string>& excluded_;
    std::unordered_map<const Value*, const Value*> roots_;
    std::unordered_map<const Node*, const OpRule*> candidates_;
    std::unordered_set<const Node*> pass_through_;
    std::unordered_set<const Node*> absorbed_;                 // activations
    std::unordered_map<const Node*, const Value*> result_of_;  // a candidate's result, after an absorbed activation
    std::unordered_set<const Value*> results_;                 // the same values
    std::unordered_set<const Value*> lasting_;                 // read by something other than the way to a graph output
    std::unordered_map<const Node*, std::string_view> reasons_;
    QuantizationPlan& plan_;
};

}  // namespace

bool QuantizationPlan::reads_quantized(const Use& use) const {
    if (carriers.contains(use.node)) return use.index == 0;
    const auto unit = units.find(use.node);
    return unit != units.end() && use.index < activation_input_count(*use.node, *unit->second);
}

QuantizationPlan plan_quantization(const Graph& graph, const QuantizationScheme& scheme) {
    const PlanScope scope{scheme, checked_exclusions(graph, scheme.exclude), values_of_rounds(graph)};
    QuantizationPlan plan;
    for_each_graph(const_cast<Graph&>(graph), [&](Graph& each) { Planner(each, scope, plan).run(); });
    return plan;
}

}  // namespace mcompress
