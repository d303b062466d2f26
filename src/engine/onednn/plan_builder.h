// Puts a plan together: where every value lies and in which layouts, and the steps that compute it.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/onednn/shared_constants.h"
#include "engine/onednn/step.h"
#include "engine/shape_propagation.h"

namespace mcompress::onednn {

/// What a step is called in ExecutionPlan::steps().
struct StepLabel {
    std::string op;
    std::string precision = "f32";
    std::int64_t macs = 0;
};

class PlanBuilder {
public:
    /// `outer` are the values of enclosing graphs that a body reads; `constants` is where constants are shared with other plans.
    PlanBuilder(const Graph& graph, const CompileOptions& options, PropagatedValues values, std::span<Value* const> outer,
                std::shared_ptr<SharedConstants> constants);

    const PropagatedValues& values() const { return values_; }
    /// Whether the nodes of the graph's step for this one are already built.
    bool is_built(const Node* node) const { return !pending_.contains(node); }
    bool has_memory(const Value* value) const { return forms_.contains(canonical(value)) || slots_.contains(canonical(value)); }
    const dnnl::engine& engine() const { return plan_.engine; }
    int threads() const { return plan_.threads; }
    /// In which type products compute and hand on floats: f32 or bf16.
    dnnl::memory::data_type float_type() const {
        return compute_ == ComputeType::BFloat16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
    }

    // ---- values ----
    /// A tensor of a type oneDNN has, of concrete shape, with elements.
    bool is_dense(const Value* value, DType dtype) const;
    /// The shape of a dense value.
    Shape shape(const Value* value) const { return *values_.shape(value); }
    bool is_known(const Value* value) const { return value && values_.is_known(value); }
    /// Null when the contents are not known at compile time.
    const Tensor* known(const Value* value) const { return value ? values_.tensor(value) : nullptr; }
    /// Multiply-accumulates of the node at the planned shapes; 0 when they are not known.
    std::int64_t macs(const Node& node) const;
    /// Nobody reads the value after the nodes that are being built: its memory may be overwritten.
    bool dies_here(const Value* value) const;
    /// Both lie in the same memory, seen in the same way or another.
    bool share_memory(const Value* a, const Value* b) const { return root(a) == root(b); }
    /// It is wanted as it is: by the caller or by a tap.
    bool is_kept(const Value* value) const { return value->is_graph_output() || tapped_.contains(value); }

    // ---- buffers of values ----
    /// Some layout the value has. Constants are plain.
    BufferId any_form(const Value* value);
    /// The value in a layout; reorders when it has another one.
    BufferId form(const Value* value, const Desc& desc);
    BufferId plain_form(const Value* value);
    /// Row-major in the element type the value is held in, which for floats may be bf16.
    BufferId row_major_form(const Value* value);
    /// Whether the value has that layout already.
    bool has_form(const Value* value, const Desc& desc) const;
    /// The same memory seen through another descriptor.
    BufferId view(BufferId buffer, const Desc& desc);
    Desc desc(BufferId buffer) const { return plan_.buffers[static_cast<std::size_t>(buffer)].desc; }
    /// Whether steps may write over the buffer (it lies in the arena).
    bool is_writable(BufferId buffer) const;

    /// A constant of the plan: elements row-major, in `layout`.
    BufferId constant(const Tensor& tensor, const Desc& layout);
    BufferId constant(const Tensor& tensor, const Desc& row_major, const Desc& layout);

    /// Memory for a value that the next step writes.
    BufferId result(const Value* value, const Desc& desc);
    /// The value overwrites (or is) the memory of another buffer.
    BufferId result_in(const Value* value, BufferId place, const Desc& desc);
    /// A temporary that belongs to no value.
    BufferId temporary(const Desc& desc);
    /// Whoever reads `value` reads the memory of `from`.
    void derive(const Value* value, const Value* from);
    /// The value's elements are those of `from`, seen through `desc` in a buffer of `from`.
    void share(const Value* value, const Value* from, BufferId buffer, const Desc& desc);
    /// `alias` is `value` under another name.
    void alias(const Value* alias, const Value* value);

    // ---- steps ----
    void add(const StepLabel& label, Primitive primitive, std::vector<Operand> operands);
    void add_native(const StepLabel& label, std::string kernel, NativeFunction run, std::vector<BufferId> operands);
    /// The node on plain tensors: its own, or others in their place.
    void add_plain(const Node& node);
    void add_plain(const Node& node, const std::vector<const Value*>& inputs, const std::vector<const Value*>& outputs);
    void add_tap(const Value* value);

    /// Rounds what a node has computed to the half-precision type that the graph says it has. Values that are only moved keep theirs.
    void round_result(const Node& node);

    /// Announces the nodes the following steps cover.
    void begin(std::vector<const Node*> nodes);
    void end();

    PlanData finish();

private:
    const Value* canonical(const Value* value) const;
    const Value* root(const Value* value) const;
    int new_storage(Storage storage);
    BufferId new_buffer(const Desc& desc, int storage);
    SlotId new_slot(Slot slot);
    SlotId slot_of(const Value* value);
    SlotId output_slot_of(const Value* value);
    BufferId slot_buffer(SlotId slot, const Shape& shape, dnnl::memory::data_type type);
    void bind_input(int index);
    dnnl::memory::data_type half_type(const Value* value) const;
    Desc half_desc(const Value* value, const Shape& shape) const { return plain_desc(shape, half_type(value)); }
    /// A half-precision value out of its slot, as float32.
    BufferId widened(const Value* value, const Shape& shape);
    /// The other way: its floats into memory of its own type.
    void add_narrowing(const Value* value, BufferId to);
    bool is_read_later(const Value* value) const;
    StepInfo make_info(const StepLabel& label, std::string kernel) const;
    void push(Step step, StepInfo info);
    void find_lifetimes();
    void touch(int storage, int step);
    void place_storages();
    void release_slots();

    const Graph& graph_;
    PropagatedValues values_;
    std::shared_ptr<SharedConstants> constants_;
    ComputeType compute_;
    std::unordered_set<const Value*> tapped_;
    TapAccess tap_access_;
    PlanData plan_;
    std::unordered_map<const Value*, std::vector<BufferId>> forms_;
    std::unordered_map<const Value*, SlotId> slots_;
    std::unordered_map<const Value*, const Value*> aliases_;
    std::unordered_map<const Value*, std::vector<const Value*>> derived_;  // values in the same memory
    std::unordered_map<const Value*, const Value*> origins_;               // the other way round
    std::unordered_set<const Node*> pending_;
    std::vector<const Node*> current_;
};

}  // namespace mcompress::onednn
