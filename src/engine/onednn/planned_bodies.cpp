#include "engine/onednn/planned_bodies.h"

#include <algorithm>

#include "ir/topology.h"

namespace mcompress::onednn {

namespace {

/// More than that, and plans cost more than they save: a loop whose tensors grow has new shapes at every turn.
constexpr std::size_t kMostPlans = 6;

bool is_observed(const Node& node, const std::unordered_set<const Value*>& taps) {
    bool found = false;
    for (Graph* body : node.subgraphs())
        for_each_graph(*body, [&](Graph& graph) {
            for (const Node* inner : graph.nodes()) found = found || inner->is("mcompress", "Observe");
        });
    const auto lies_inside = [&](const Value* value) {
        for (const Graph* graph = &value->graph(); graph; graph = graph->outer())
            for (const Graph* body : node.subgraphs())
                if (graph == body) return true;
        return false;
    };
    return found || std::any_of(taps.begin(), taps.end(), lies_inside);
}

}  // namespace

/// A body for the kernel of the node.
class PlannedBodies::Runner : public BodyRunner {
public:
    Runner(const PlannedBodies& bodies, std::span<const RuntimeValue> captured, const Tap& tap)
        : bodies_(bodies), captured_(captured), tap_(tap) {}

    std::vector<RuntimeValue> run(int index, std::span<const RuntimeValue> inputs) const override {
        if (!(tap_ && bodies_.has_taps_)) {
            std::vector<RuntimeValue> values(inputs.begin(), inputs.end());
            values.insert(values.end(), captured_.begin(), captured_.end());
            if (const auto plan = bodies_.plan_for(index, values)) return plan->run_values(values, {});
        }
        return bodies_.plain_.run_body(index, inputs, captured_, bodies_.options_.threads, tap_);
    }

private:
    const PlannedBodies& bodies_;
    std::span<const RuntimeValue> captured_;
    const Tap& tap_;
};

PlannedBodies::PlannedBodies(const Node& node, const std::unordered_set<const Value*>& taps, const BodyOptions& options,
                             std::shared_ptr<SharedConstants> constants)
    : node_(node), options_(options), constants_(std::move(constants)), plain_(node, taps), has_taps_(is_observed(node, taps)) {}

std::vector<RuntimeValue> PlannedBodies::run_node(std::span<const RuntimeValue* const> inputs, std::span<const RuntimeValue> captured,
                                                  const Tap& tap) const {
    const Runner runner(*this, captured, tap);
    return run_kernel(*find_kernel_row(node_), node_, inputs, static_cast<std::size_t>(node_.output_count()), options_.threads, &runner);
}

std::shared_ptr<const OneDnnPlan> PlannedBodies::plan_for(int index, std::span<const RuntimeValue> values) const {
    Key key{index};
    for (const RuntimeValue& value : values) {
        if (!value.is_tensor() || !value.tensor().defined()) return nullptr;
        key.push_back(-1 - static_cast<std::int64_t>(value.tensor().dtype()));
        key.insert(key.end(), value.tensor().shape().begin(), value.tensor().shape().end());
    }
    const std::lock_guard lock(mutex_);
    if (const auto found = plans_.find(key); found != plans_.end()) return found->second;
    if (plans_.size() >= kMostPlans) return nullptr;
    return plans_[key] = compile(index, values);
}

std::shared_ptr<const OneDnnPlan> PlannedBodies::compile(int index, std::span<const RuntimeValue> values) const {
    const Graph& body = *node_.subgraphs()[static_cast<std::size_t>(index)];
    std::vector<const Value*> names(body.inputs().begin(), body.inputs().end());
    names.insert(names.end(), captures().begin(), captures().end());
    if (names.size() != values.size()) return nullptr;
    std::vector<GivenValue> given;
    for (std::size_t at = 0; at < names.size(); ++at)
        given.push_back({names[at], ValueType::tensor(values[at].tensor().dtype(), values[at].tensor().shape())});
    const CompileOptions options{.threads = options_.threads, .compute = options_.compute};
    try {
        return std::make_shared<OneDnnPlan>(compile_plan(body, options, {given, captures()}, constants_));
    } catch (const Error&) {
        return nullptr;  // the plain kernels say what is wrong, where it is
    }
}

}  // namespace mcompress::onednn
