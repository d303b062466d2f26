// A graph compiled for interpretation: nodes in order, a slot a value, and the step after which each slot is free.
#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/engine.h"
#include "engine/reference/kernel.h"

namespace mcompress::reference {

class Program;

/// The compiled bodies of one If, Loop or Scan node, and the outer values they read. Engines that run control flow themselves use it, too.
class Bodies {
public:
    /// `taps` are the values to hand to the tap (besides what Observe nodes read).
    Bodies(const Node& node, const std::unordered_set<const Value*>& taps);
    ~Bodies();
    /// In the order in which run_node() wants them.
    std::span<Value* const> captures() const { return captures_; }
    /// Runs the node's kernel with its bodies bound to the captured values. An absent input is null.
    std::vector<RuntimeValue> run_node(std::span<const RuntimeValue* const> inputs, std::span<const RuntimeValue> captured, int threads,
                                       const Tap& tap) const;
    /// The body `index` alone.
    std::vector<RuntimeValue> run_body(int index, std::span<const RuntimeValue> inputs, std::span<const RuntimeValue> captured, int threads,
                                       const Tap& tap) const;

private:
    const Node& node_;
    std::vector<Value*> captures_;
    std::vector<std::unique_ptr<Program>> programs_;
};

/// Compiled once, run by any number of threads at a time. The graph must outlive it. Every node must have a kernel: see
/// throw_if_unsupported().
class Program {
public:
    /// A body may read `outer` values; they are passed to run() in the same order. None for a main graph.
    Program(const Graph& graph, std::span<Value* const> outer, const std::unordered_set<const Value*>& taps);

    /// An input that is no value takes the graph input's default; without one it is an Error (kDataMismatch).
    std::vector<RuntimeValue> run(std::span<const RuntimeValue> inputs, std::span<const RuntimeValue> captured, int threads,
                                  const Tap& tap) const;

    std::span<Node* const> order() const { return order_; }

private:
    using Slot = std::size_t;
    struct Step {
        const Node* node = nullptr;
        const KernelRow* kernel = nullptr;
        std::vector<Slot> inputs;  // kNoSlot for absent ones
        std::vector<Slot> outputs;
        std::vector<Slot> captures;  // of its bodies
        std::vector<Slot> released;  // slots nobody reads after this step
        std::shared_ptr<const Bodies> bodies;
    };
    struct Constant {
        Slot slot;
        const Tensor* tensor;
    };
    static constexpr Slot kNoSlot = ~Slot{0};

    Slot slot_of(const Value* value);
    Step compile(const Node& node, const std::unordered_set<const Value*>& taps);
    void plan_release();
    void run_step(const Step& step, std::vector<RuntimeValue>& frame, int threads, const Tap& tap) const;
    void tap_value(Slot slot, const std::vector<RuntimeValue>& frame, const Tap& tap) const;

    const Graph& graph_;
    std::vector<Node*> order_;
    std::unordered_map<const Value*, Slot> slots_;
    std::vector<Constant> constants_;
    std::vector<Slot> inputs_;
    std::vector<Slot> captured_;
    std::vector<Slot> outputs_;
    std::vector<Step> steps_;
    std::unordered_map<Slot, const Value*> tapped_;
    std::vector<Slot> tapped_at_start_;  // inputs and constants
};

/// Throws kOperatorUnsupported listing every node of the graph and its bodies for which there is no kernel, and values that cannot be
/// interpreted; kNestingTooDeep when bodies are nested beyond reason.
void throw_if_unsupported(const Graph& graph);

}  // namespace mcompress::reference
