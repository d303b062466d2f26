#include "onnx/upgrade.h"

#include <onnx/defs/schema.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "onnx/opset_changes.h"
#include "onnx/proto.h"
#include "ops/op_info.h"
#include "support/error.h"

namespace mcompress {

namespace {

/// Newer operators are not in every libonnx that we build with; for them the tables are complete.
constexpr int kNewestInRegistry = 17;
/// The opset without the experimental operators, which libonnx does not know at all.
constexpr int kExperimentalUntil = 10;

bool is_listed_compatible(std::string_view op, int version) {
    const std::string word = " " + std::string(op) + " ";
    return std::any_of(compatible_changes().begin(), compatible_changes().end(),
                       [&](const CompatibleChanges& row) { return row.since == version && row.ops.find(word) != std::string_view::npos; });
}

const OpsetChange* find_change(std::string_view op, int version) {
    for (const OpsetChange& row : opset_changes())
        if (row.op == op && row.since == version) return &row;
    return nullptr;
}

/// Whether libonnx says that the operator existed before this version and changed at it.
bool changed_in_registry(const std::string& op, int version) {
    const onnx::OpSchema* now = onnx::OpSchemaRegistry::Schema(op, version, "");
    const onnx::OpSchema* before = onnx::OpSchemaRegistry::Schema(op, version - 1, "");
    return now && before && now->SinceVersion() == version;
}

// Changes of 18 to 21 that are refused; in older versions libonnx knows them.
constexpr struct {
    std::string_view op;
    int since;
} kRefusedChanges[] = {{"DFT", 20}, {"GroupNormalization", 21}};

/// How an operator of one version becomes one of another: the rows to apply in order, or the reason why there is no way.
struct Route {
    std::vector<const OpsetChange*> steps;
    std::string problem;
};

/// `is_known` says that the operator exists at `from`, be it in libonnx or not: ONNX Runtime's own operators in ONNX's domain (LayerNormalization before
/// opset 17) are older than ONNX's.
Route find_route(std::string op, bool is_known, int from, int to) {
    Route route;
    const bool was_experimental = find_change(op, kExperimentalUntil);
    const bool is_experimental = was_experimental && from < kExperimentalUntil;
    is_known = is_known && !was_experimental;
    if (from <= kNewestInRegistry && !is_experimental && !is_known && !onnx::OpSchemaRegistry::Schema(op, from, "")) {
        route.problem = format("is no operator of opset {}", from);
        return route;
    }
    for (int version = from + 1; version <= to; ++version) {
        if (const OpsetChange* row = find_change(op, version)) {
            route.steps.push_back(row);
            if (!row->becomes.empty()) op = row->becomes;
            continue;
        }
        const bool changed = version <= kNewestInRegistry
                                 ? changed_in_registry(op, version)
                                 : std::any_of(std::begin(kRefusedChanges), std::end(kRefusedChanges),
                                               [&](const auto& row) { return row.op == op && row.since == version; });
        if (changed && !is_listed_compatible(op, version)) {
            route.problem = format("changed at opset {}; there is no adapter", version);
            return route;
        }
    }
    return route;
}

struct Plan {
    Graph* graph;
    Node* node;
    const Route* route;
};

class Upgrade {
public:
    Upgrade(Model& model, int from, int to) : model_(model), from_(from), to_(to) {}

    void run() {
        check_functions();
        const std::optional<InferredTypes> inferred = infer();
        const KnownTypes types(inferred ? &*inferred : nullptr);
        for_each_graph(*model_.graph, [&](Graph& graph) { plan(graph, types); });
        refuse_problems();
        for (const Plan& plan : plans_) apply(plan, types);
        (*model_.opset_imports)[""] = to_;
        model_.ir_version = std::max<std::int64_t>(model_.ir_version, ir_version_of_opset(to_));
    }

private:
    /// Types only make the result simpler. A model that inference refuses can be upgraded too, from what it declares.
    std::optional<InferredTypes> infer() const {
        try {
            return infer_types_for(*model_.graph, {});
        } catch (const Error&) {
            return std::nullopt;
        }
    }

    /// A function's nodes follow its own import; one that differs from the model's is legal only where the operators did not change.
    void check_functions() {
        for (const Function& function : model_.functions) {
            onnx::FunctionProto proto;
            deserialize(proto, function.bytes);
            for (const auto& import : proto.opset_import())
                if ((import.domain().empty() || import.domain() == "ai.onnx") && import.version() < to_)
                    problems_.push_back(
                        format("function '{}.{}' is written for opset {}", function.domain, function.name, import.version()));
        }
    }

    void plan(Graph& graph, const KnownTypes& types) {
        for (Node* node : graph.nodes()) {
            if (!node->domain().empty()) continue;
            auto [at, is_new] = routes_.try_emplace(node->op_type());
            if (is_new) at->second = find_route(node->op_type(), op_info(*node) != nullptr, from_, to_);
            const Route& route = at->second;
            if (!route.problem.empty()) add_problem(*node, route.problem);
            const bool is_looked_at =
                std::any_of(route.steps.begin(), route.steps.end(), [](const OpsetChange* step) { return step->adapt || step->refusal; });
            if (is_looked_at && !is_complete(*node)) {
                add_problem(*node, "lacks an input or output that it must have");
                continue;
            }
            for (const OpsetChange* step : route.steps) {
                const std::string problem = step->refusal ? step->refusal(*node, types) : std::string();
                if (!problem.empty()) add_problem(*node, problem);
                if (step->adapt && has_opaque_attribute(*node)) add_problem(*node, "has attributes that mcompress does not interpret");
            }
            if (!route.steps.empty()) plans_.push_back({&graph, node, &route});
        }
    }

    /// Models come here before they are verified.
    static bool is_complete(const Node& node) {
        const OpInfo* const row = op_info(node);
        if (!row) return true;
        for (int at = 0; at < row->min_inputs; ++at)
            if (!node.input(at)) return false;
        for (int at = 0; at < row->min_outputs; ++at)
            if (at >= node.output_count() || !node.output(at)) return false;
        return true;
    }

    static bool has_opaque_attribute(const Node& node) {
        return std::any_of(node.attributes().begin(), node.attributes().end(),
                           [](const Attribute& attribute) { return std::holds_alternative<OpaqueAttribute>(attribute.value); });
    }

    void add_problem(const Node& node, const std::string& problem) { problems_.push_back(node.label() + " " + problem); }

    void refuse_problems() const {
        if (problems_.empty()) return;
        std::string text;
        for (const std::string& problem : problems_) text += (text.empty() ? "" : "; ") + problem;
        throw Error(codes::kOpsetUnsupported, format("the model cannot be upgraded from opset {} to {}: {}", from_, to_, text),
                    "export the model again with a newer opset");
    }

    static void apply(const Plan& plan, const KnownTypes& types) {
        for (const OpsetChange* step : plan.route->steps) {
            if (!step->becomes.empty()) plan.graph->set_op_type(plan.node, {}, std::string(step->becomes));
            if (step->adapt) step->adapt(*plan.graph, plan.node, types);
        }
    }

    Model& model_;
    int from_;
    int to_;
    std::unordered_map<std::string, Route> routes_;
    std::vector<Plan> plans_;
    std::vector<std::string> problems_;
};

}  // namespace

void upgrade_opset(Model& model, int version) {
    const int from = model.graph->opset_version("");
    if (from == 0 || from >= version) return;
    if (from < kOldestUpgradableOpset || version > kNewestUpgradeOpset)
        throw Error(codes::kOpsetUnsupported,
                    format("opset {} cannot be upgraded to {}: adapters lead from {} to {}", from, version, kOldestUpgradableOpset,
                           kNewestUpgradeOpset),
                    "export the model again with a newer opset");
    Upgrade(model, from, version).run();
}

}  // namespace mcompress
