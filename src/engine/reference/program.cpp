#include "engine/reference/program.h"

#include "ir/topology.h"
#include "support/error.h"

namespace mcompress::reference {

Bodies::Bodies(const Node& node, const std::unordered_set<const Value*>& taps) : node_(node), captures_(captured_values(node)) {
    for (const Graph* body : node.subgraphs()) programs_.push_back(std::make_unique<Program>(*body, captures_, taps));
}

Bodies::~Bodies() = default;

namespace {

class BoundBodies : public BodyRunner {
public:
    BoundBodies(const Bodies& bodies, std::span<const RuntimeValue> captured, int threads, const Tap& tap)
        : bodies_(bodies), captured_(captured), threads_(threads), tap_(tap) {}

    std::vector<RuntimeValue> run(int index, std::span<const RuntimeValue> inputs) const override {
        return bodies_.run_body(index, inputs, captured_, threads_, tap_);
    }

private:
    const Bodies& bodies_;
    std::span<const RuntimeValue> captured_;
    int threads_;
    const Tap& tap_;
};

}  // namespace

std::vector<RuntimeValue> Bodies::run_body(int index, std::span<const RuntimeValue> inputs, std::span<const RuntimeValue> captured,
                                           int threads, const Tap& tap) const {
    MCOMPRESS_CHECK(static_cast<std::size_t>(index) < programs_.size());
    return programs_[static_cast<std::size_t>(index)]->run(inputs, captured, threads, tap);
}

std::vector<RuntimeValue> Bodies::run_node(std::span<const RuntimeValue* const> inputs, std::span<const RuntimeValue> captured, int threads,
                                           const Tap& tap) const {
    const BoundBodies bound(*this, captured, threads, tap);
    return run_kernel(*find_kernel_row(node_), node_, inputs, static_cast<std::size_t>(node_.output_count()), threads, &bound);
}

Program::Program(const Graph& graph, std::span<Value* const> outer, const std::unordered_set<const Value*>& taps)
    : graph_(graph), order_(graph.order()) {
    for (const Value* value : outer) captured_.push_back(slot_of(value));
    for (const Value* value : graph.inputs()) inputs_.push_back(slot_of(value));
    for (const Value* value : graph.constants())
        if (value->is_constant()) constants_.push_back({slot_of(value), value->constant()});
    for (const Node* node : order_) steps_.push_back(compile(*node, taps));
    for (const Value* value : graph.outputs()) outputs_.push_back(slot_of(value));
    for (const auto& [value, slot] : slots_) {
        if (!taps.contains(value) || &value->graph() != &graph) continue;
        tapped_.emplace(slot, value);
    }
    for (const std::vector<Value*>& values : {std::vector<Value*>(graph.inputs().begin(), graph.inputs().end()), graph.constants()})
        for (const Value* value : values)
            if (taps.contains(value)) tapped_at_start_.push_back(slot_of(value));
    plan_release();
}

Program::Slot Program::slot_of(const Value* value) {
    if (!value) return kNoSlot;
    return slots_.emplace(value, slots_.size()).first->second;
}

Program::Step Program::compile(const Node& node, const std::unordered_set<const Value*>& taps) {
    Step step;
    step.node = &node;
    step.kernel = find_kernel_row(node);
    MCOMPRESS_CHECK(step.kernel);
    for (const Value* value : node.inputs()) step.inputs.push_back(slot_of(value));
    for (const Value* value : node.outputs()) step.outputs.push_back(slot_of(value));
    if (!node.subgraphs().empty()) {
        step.bodies = std::make_shared<Bodies>(node, taps);
        for (const Value* value : step.bodies->captures()) step.captures.push_back(slot_of(value));
    }
    return step;
}

/// A slot is released by the last step that touches it, outputs that nobody reads included. Graph outputs, inputs and constants stay:
/// their buffers belong to others anyway.
void Program::plan_release() {
    std::vector<std::size_t> last(slots_.size(), steps_.size());
    for (std::size_t i = 0; i < steps_.size(); ++i)
        for (const auto* slots : {&steps_[i].inputs, &steps_[i].captures, &steps_[i].outputs})
            for (const Slot slot : *slots)
                if (slot != kNoSlot) last[slot] = i;
    for (const Slot slot : outputs_) last[slot] = steps_.size();
    for (Slot slot = 0; slot < last.size(); ++slot)
        if (last[slot] < steps_.size()) steps_[last[slot]].released.push_back(slot);
}

void Program::tap_value(Slot slot, const std::vector<RuntimeValue>& frame, const Tap& tap) const {
    const auto found = tapped_.find(slot);
    if (tap && found != tapped_.end() && frame[slot].is_tensor()) tap(*found->second, frame[slot].tensor());
}

void Program::run_step(const Step& step, std::vector<RuntimeValue>& frame, int threads, const Tap& tap) const {
    std::vector<const RuntimeValue*> inputs;
    inputs.reserve(step.inputs.size());
    for (const Slot slot : step.inputs) inputs.push_back(slot == kNoSlot ? nullptr : &frame[slot]);
    if (tap && step.node->is("mcompress", "Observe")) tap(*step.node->input(0), inputs[0]->tensor());
    std::vector<RuntimeValue> outputs;
    if (step.bodies) {
        std::vector<RuntimeValue> captured;
        captured.reserve(step.captures.size());
        for (const Slot slot : step.captures) captured.push_back(frame[slot]);
        outputs = step.bodies->run_node(inputs, captured, threads, tap);
    } else {
        outputs = run_kernel(*step.kernel, *step.node, inputs, step.outputs.size(), threads);
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        if (step.outputs[i] == kNoSlot) continue;
        frame[step.outputs[i]] = std::move(outputs[i]);
        tap_value(step.outputs[i], frame, tap);
    }
    for (const Slot slot : step.released) frame[slot] = RuntimeValue();
}

std::vector<RuntimeValue> Program::run(std::span<const RuntimeValue> inputs, std::span<const RuntimeValue> captured, int threads,
                                       const Tap& tap) const {
    std::vector<RuntimeValue> frame(slots_.size());
    if (inputs.size() > inputs_.size())
        fail(codes::kDataMismatch, "graph '{}' has {} inputs, {} were given", graph_.name(), inputs_.size(), inputs.size());
    for (const Constant& constant : constants_) frame[constant.slot] = *constant.tensor;
    for (std::size_t i = 0; i < captured_.size(); ++i) frame[captured_[i]] = captured[i];
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
        const Value& value = *graph_.inputs()[i];
        if (i < inputs.size() && inputs[i].defined()) frame[inputs_[i]] = inputs[i];
        else if (value.default_value()) frame[inputs_[i]] = *value.default_value();
        else fail(codes::kDataMismatch, "input '{}' is missing", value.name());
    }
    for (const Slot slot : tapped_at_start_) tap_value(slot, frame, tap);
    for (const Step& step : steps_)
        with_context([&] { return "while running " + step.node->label(); }, [&] { run_step(step, frame, threads, tap); });
    std::vector<RuntimeValue> outputs;
    for (const Slot slot : outputs_) outputs.push_back(frame[slot]);
    return outputs;
}

namespace {

constexpr int kDeepestNesting = 64;

int nesting(const Graph& graph) {
    int depth = 0;
    for (const Graph* outer = graph.outer(); outer; outer = outer->outer()) ++depth;
    return depth;
}

}  // namespace

void throw_if_unsupported(const Graph& graph) {
    std::vector<const Graph*> pending{&graph};
    std::string problems;
    int count = 0;
    while (!pending.empty()) {
        const Graph& current = *pending.back();
        pending.pop_back();
        if (nesting(current) > kDeepestNesting) fail(codes::kNestingTooDeep, "bodies are nested more than {} deep", kDeepestNesting);
        for (const Value* value : current.constants()) {
            if (value->is_constant() || value->is_unused()) continue;
            ++count;
            problems += format("\n  value '{}': a sparse initializer", value->name());
        }
        for (const Node* node : current.nodes()) {
            for (const Graph* body : node->subgraphs()) pending.push_back(body);
            if (find_reference_kernel(*node)) continue;
            ++count;
            problems += format("\n  node '{}': {}", node->display_name(), node->qualified_op_type());
        }
    }
    if (count > 0)
        throw Error(codes::kOperatorUnsupported,
                    format("{} part{} of the graph cannot be executed:{}", count, count == 1 ? "" : "s", problems),
                    "operators of other domains and local functions have no kernel; inline functions before the model is used");
}

}  // namespace mcompress::reference
