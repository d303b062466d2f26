// The parts of a plan: storages, buffers in them, slots of tensors, and steps.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "engine/engine.h"
#include "engine/onednn/primitives.h"
#include "engine/reference/kernel.h"

namespace mcompress::onednn {

class PlannedBodies;

/// Memory that buffers lie in: a piece of the run's arena, constant data of the plan, or a tensor's own memory.
struct Storage {
    enum class Home { Arena, Constant, Slot };
    Home home = Home::Arena;
    std::size_t bytes = 0;
    int slot = -1;                      // of Home::Slot
    std::shared_ptr<const void> owner;  // of Home::Constant
    const std::byte* constant = nullptr;
    int first_step = -1;  // filled in when all steps are known
    int last_step = -1;
    std::size_t offset = 0;  // of Home::Arena
};

/// A tensor in a layout, somewhere.
struct Buffer {
    Desc desc;
    int storage = -1;
};
using BufferId = int;

/// A plain tensor at run time, or a sequence or an optional.
struct Slot {
    enum class Source { GraphInput, NewOutput, Computed, ArenaView, Constant };
    Source source = Source::Computed;
    DType dtype = DType::Undefined;
    std::optional<Shape> shape;  // what it must have; nothing when it depends on data
    int input = -1;              // of PlanData::inputs
    BufferId view = -1;
    Tensor constant;
};
using SlotId = int;

struct Operand {
    int argument;  // DNNL_ARG number
    BufferId buffer;
};

struct PrimitiveStep {
    Primitive primitive;
    std::vector<Operand> operands;
};

/// A kernel of this folder over raw memory: pointers in the order of the operands.
using NativeFunction = std::function<void(std::span<std::byte* const> pointers, int threads)>;
struct NativeStep {
    NativeFunction run;
    std::vector<BufferId> operands;
};

/// A reference kernel over plain values.
struct PlainStep {
    const Node* node = nullptr;
    const KernelRow* kernel = nullptr;
    std::vector<SlotId> inputs;  // -1: absent
    std::vector<SlotId> outputs;
    std::vector<SlotId> captures;
    std::vector<SlotId> released;                 // slots nobody reads after this step
    std::shared_ptr<const PlannedBodies> bodies;  // of a node that has some
};

/// Hands a value to the tap. Skipped when there is none.
struct TapStep {
    const Value* value = nullptr;
    SlotId slot = -1;                  // when the value is a tensor at run time already
    BufferId buffer = -1;              // else where it lies
    std::optional<Primitive> reorder;  // and how to bring it into row-major order; nothing: it is handed over as it lies
    std::optional<Primitive> write_back;
    TapAccess access = TapAccess::InOrder;
    DType dtype = DType::Undefined;
    Shape shape;
};

using Step = std::variant<PrimitiveStep, NativeStep, PlainStep, TapStep>;

/// All a plan needs to run.
struct PlanData {
    dnnl::engine engine;
    std::shared_ptr<const Routines> routines;  // of its plain steps
    int threads = 1;
    std::vector<const Value*> inputs;  // the graph's, and behind them what a body reads of enclosing graphs
    std::vector<int> fixed_inputs;     // their defaults are constants
    std::vector<Storage> storages;
    std::vector<Buffer> buffers;
    std::vector<Slot> slots;
    std::vector<Step> steps;
    std::vector<StepInfo> infos;
    struct Output {
        SlotId slot;
        std::optional<Shape> shape;
    };
    std::vector<Output> outputs;
    std::size_t arena_bytes = 0;
    std::size_t least_arena_bytes = 0;  // what lives at the busiest step
    std::size_t scratchpad_bytes = 0;
};

}  // namespace mcompress::onednn
