#include "passes/quantize/quantization_plan.h"

#include <algorithm>

#include "ir/qualified_name.h"
#include "ir/topology.h"
#include "ops/attributes.h"
#include "passes/quantize/loop_rounds.h"
#include "passes/quantize/quantized_view.h"
#include "quant/target.h"
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
        : graph_(graph),
          scheme_(scope.scheme),
          target_(find_target(scope.scheme.target)),
          scope_(scope),
          order_(graph.order()),
          excluded_(scope.excluded),
          plan_(plan) {}

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
            measure_depth(*node);
            if (is_excluded(node) || absorbed_.contains(node)) continue;
            if (const std::string reason = refusal(*node, rule); !reason.empty()) {
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
    std::string refusal(const Node& node, const OpRule& rule) const {
        if (rule.role == QuantizedRole::Float) return std::string(rule.reason);
        if (rule.refuse)
            if (const std::string_view reason = rule.refuse(node); !reason.empty()) return std::string(reason);
        if (is_unit_role(rule.role) && !target_.computes(rule.op)) return format("{} has no integer kernel for it", target_.runtime);
        if (rule.role == QuantizedRole::Activation) return "it does not follow a quantized operator that nothing else reads";
        if (!node.input(0) || !node.output(0)) return "an input or output is absent";

        bool from_unit = false;
        for (int index = 0; index < activation_input_count(node, rule); ++index) {
            const Value* value = root(node.input(index));
            if (!value) return "an input is absent";
            if (known_tensor(value)) return constant_reason(rule.role);
            if (!may_be_float32(node.input(index)) || !may_be_float32(value)) return "its values are not float32";
            if (rule.role != QuantizedRole::PassThrough && scope_.of_rounds.contains(value)) return std::string(kRounds);
            from_unit = from_unit || results_.contains(value);
        }
        if (rule.role == QuantizedRole::Compute) return std::string(weight_refusal(node, rule));
        if (rule.role == QuantizedRole::PassThrough || from_unit) return {};
        return "no operand comes from a quantized operator";
    }

    static std::string constant_reason(QuantizedRole role) {
        if (role == QuantizedRole::Compute) return "its input is a constant";
        return role == QuantizedRole::PassThrough ? "it moves a constant" : "an operand is a constant";
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
        if (const std::string reason = why_not_fused(node, rule); !reason.empty())
            plan_.unfused.push_back({node.display_name(), node.op_type(), reason});
        plan_.units.emplace(&node, &rule);
        if (const int fused = operand_in_accumulator(node, rule); fused >= 0) plan_.float_operands.emplace(&node, fused);
        for (int index = 0; index < activation_input_count(node, rule); ++index)
            if (plan_.takes_codes(node, index)) plan_.demanded.insert(node.input(index));
    }

    bool is_wide(const Value* value) const {
        return (!scheme_.activation_dtypes.empty() || dtype_bits(scheme_.activation_dtype) > 8) &&
               dtype_bits(scheme_.dtype_of(qualified_name(*value))) > 8;
    }

    /// Why the target's integer kernel would not be used, so that quantizers around the node only cost time. Of 16-bit values nobody expects it.
    std::string why_not_fused(const Node& node, const OpRule& rule) const {
        const Value* result = result_of_.at(&node);
        if (is_wide(result) || is_wide(root(node.input(0)))) return {};
        if (rule.role == QuantizedRole::Compute) {
            const bool writes_floats = result_quantizer(rule) == ResultQuantizer::OnDemand;
            if (writes_floats || (lasting_.contains(result) && !reaches_output(result))) return {};
            return format("its result is a graph output, and the integer kernel of {} writes codes only", target_.runtime);
        }
        return reaches_output(result) ? format("its result is a graph output too, so that {} would compute it in float", target_.runtime)
                                      : std::string();
    }

    ResultQuantizer result_quantizer(const OpRule& rule) const {
        return target_.convolution_result == ConvolutionResult::CodesOrFloats ? ResultQuantizer::OnDemand : rule.result;
    }

    /// Nodes from the inputs to each value, on the longest way.
    void measure_depth(const Node& node) {
        int depth = 0;
        for (Value* input : node.inputs())
            if (const auto found = depths_.find(see_through(input)); found != depths_.end()) depth = std::max(depth, found->second);
        for (const Value* output : node.outputs()) depths_[output] = depth + 1;
    }

    /// Of an addition that the target computes in the accumulator of a product: the operand that is this product's result. Of two, the one at the end
    /// of the longer branch: the other is the skip connection.
    int operand_in_accumulator(const Node& node, const OpRule& rule) const {
        if (target_.residual_add != ResidualAdd::SkipBranchOnly || rule.op != "Add" || node.input_count() != 2) return -1;
        int chosen = -1, depth = -1;
        for (int index = 0; index < 2; ++index) {
            const Value* value = see_through(node.input(index));
            const auto product = value->producer() ? candidates_.find(value->producer()) : candidates_.end();
            if (product == candidates_.end() || product->second->role != QuantizedRole::Compute) continue;
            if (result_of_.at(product->first) != value || readers(value).size() != 1 || reaches_output(value)) continue;
            if (depths_.at(value) > depth) chosen = index;
            depth = std::max(depth, depths_.at(value));
        }
        return chosen;
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
            for (int index = 0; index < activation_input_count(*node, rule); ++index)
                if (plan_.takes_codes(*node, index)) observe(root(node->input(index)));
            const Value* result = result_of_.at(node);
            plan_.unit_results.insert(result);
            if (rule.role == QuantizedRole::Concat) derived.insert(result);
            if (result_quantizer(rule) == ResultQuantizer::Always && lasting_.contains(result)) observe(result);
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

    /// Operators that compute with floats or move them. With weights only, those with weights: nothing else was to change.
    bool is_reported(const Node& node) const {
        if (plan_.units.contains(&node) || plan_.carriers.contains(&node) || absorbed_.contains(&node) || is_transparent(node))
            return false;
        if (find_op_rule(node).role == QuantizedRole::Compute) return true;
        if (scheme_.activations != ActivationMode::Static || node.is("Constant") || !node.subgraphs().empty()) return false;
        return std::any_of(node.outputs().begin(), node.outputs().end(),
                           [](const Value* output) { return output && is_float(output->type().dtype); });
    }

    void collect_skipped() {
        for (const Node* node : order_) {
            if (!is_reported(*node)) continue;
            const auto reason = reasons_.find(node);
            plan_.skipped.push_back({node->display_name(), node->op_type(),
                                     reason != reasons_.end() ? reason->second : "nothing that reads what it moves is quantized"});
        }
    }

    Graph& graph_;
    const QuantizationScheme& scheme_;
    const Target& target_;
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
    std::unordered_map<const Value*, int> depths_;
    std::unordered_map<const Node*, std::string> reasons_;
    QuantizationPlan& plan_;
};

}  // namespace

bool QuantizationPlan::takes_codes(const Node& unit, int index) const {
    const auto found = float_operands.find(&unit);
    return found == float_operands.end() || found->second != index;
}

bool QuantizationPlan::reads_quantized(const Use& use) const {
    if (carriers.contains(use.node)) return use.index == 0;
    const auto unit = units.find(use.node);
    return unit != units.end() && use.index < activation_input_count(*use.node, *unit->second) && takes_codes(*use.node, use.index);
}

namespace {

/// A weight of 8 bits makes the file smaller whatever the kernel does with it.
bool has_weight(std::string_view op) { return op == "Conv" || op == "ConvTranspose" || op == "Gemm" || op == "MatMul"; }

}  // namespace

void keep_unfused_in_float(const Graph& graph, QuantizationScheme& scheme) {
    if (scheme.activations != ActivationMode::Static) return;
    // What one unit loses may be what another was chosen for. Every turn keeps more nodes in float, so there is a last one.
    for (std::size_t before = 0;; before = scheme.keep_float.size()) {
        for (const Skip& unit : plan_quantization(graph, scheme).unfused)
            if (!has_weight(unit.op)) scheme.keep_float.try_emplace(unit.node, unit.reason);
        if (scheme.keep_float.size() == before) return;
    }
}

QuantizationPlan plan_quantization(const Graph& graph, const QuantizationScheme& scheme) {
    const PlanScope scope{scheme, checked_exclusions(graph, scheme.exclude), values_of_rounds(graph)};
    QuantizationPlan plan;
    for_each_graph(const_cast<Graph&>(graph), [&](Graph& each) { Planner(each, scope, plan).run(); });
    return plan;
}

}  // namespace mcompress
