// Steps of a plan under construction, and what follows once all of them are known: lifetimes, places, releases.
#include <algorithm>

#include "engine/memory_plan.h"
#include "engine/onednn/plan_builder.h"
#include "engine/onednn/planned_bodies.h"
#include "ir/topology.h"
#include "ops/cost.h"
#include "support/error.h"

namespace mcompress::onednn {

namespace {

std::string short_precision(DType dtype) {
    const int bits = dtype_bits(dtype);
    if (is_float(dtype)) return format("f{}", bits);
    if (is_signed_integer(dtype)) return format("s{}", bits);
    if (is_unsigned_integer(dtype)) return format("u{}", bits);
    return dtype == DType::Undefined ? "?" : std::string(dtype_name(dtype));
}

template <typename Visit> void for_each_operand(const Step& step, Visit&& visit) {
    if (const auto* primitive = std::get_if<PrimitiveStep>(&step)) {
        for (const Operand& operand : primitive->operands) visit(operand.buffer);
    } else if (const auto* native = std::get_if<NativeStep>(&step)) {
        for (const BufferId buffer : native->operands) visit(buffer);
    } else if (const auto* tap = std::get_if<TapStep>(&step)) {
        if (tap->buffer >= 0) visit(tap->buffer);
    }
}

template <typename Visit> void for_each_read_slot(const Step& step, Visit&& visit) {
    if (const auto* plain = std::get_if<PlainStep>(&step)) {
        for (const SlotId slot : plain->inputs)
            if (slot >= 0) visit(slot);
        for (const SlotId slot : plain->captures) visit(slot);
    } else if (const auto* tap = std::get_if<TapStep>(&step)) {
        if (tap->slot >= 0) visit(tap->slot);
    }
}

}  // namespace

std::int64_t PlanBuilder::macs(const Node& node) const {
    const auto planned = [&](std::span<Value* const> values) {
        std::vector<ValueType> types;
        for (const Value* value : values) {
            const auto shape = value ? values_.shape(value) : std::nullopt;
            types.push_back(shape ? ValueType::tensor(values_.dtype(value), *shape) : value ? value->type() : ValueType{});
        }
        return types;
    };
    return count_macs(node, planned(node.inputs()), planned(node.outputs())).value_or(0);
}

void PlanBuilder::begin(std::vector<const Node*> nodes) { current_ = std::move(nodes); }

void PlanBuilder::end() {
    for (const Node* node : current_) pending_.erase(node);
    current_.clear();
}

StepInfo PlanBuilder::make_info(const StepLabel& label, std::string kernel) const {
    StepInfo info;
    info.nodes = current_;
    info.name = current_.empty() ? label.op : current_.front()->display_name();
    info.op = label.op;
    info.kernel = std::move(kernel);
    info.precision = label.precision;
    info.macs = label.macs;
    return info;
}

void PlanBuilder::push(Step step, StepInfo info) {
    plan_.steps.push_back(std::move(step));
    plan_.infos.push_back(std::move(info));
}

void PlanBuilder::add(const StepLabel& label, Primitive primitive, std::vector<Operand> operands) {
    StepInfo info = make_info(label, primitive.kernel);
    plan_.scratchpad_bytes = std::max(plan_.scratchpad_bytes, primitive.scratchpad.get_size());
    push(PrimitiveStep{std::move(primitive), std::move(operands)}, std::move(info));
}

void PlanBuilder::add_native(const StepLabel& label, std::string kernel, NativeFunction run, std::vector<BufferId> operands) {
    push(NativeStep{std::move(run), std::move(operands)}, make_info(label, std::move(kernel)));
}

SlotId PlanBuilder::slot_of(const Value* value) {
    value = canonical(value);
    if (const auto found = slots_.find(value); found != slots_.end()) return found->second;
    Slot slot;
    slot.dtype = values_.stored_dtype(value);
    slot.shape = values_.shape(value);
    if (const Tensor* tensor = values_.stored_tensor(value)) {
        slot.source = Slot::Source::Constant;
        slot.constant = *tensor;
    } else if (forms_.contains(value) && values_.is_half(value)) {
        slot.view = temporary(half_desc(value, *slot.shape));
        slot.source = Slot::Source::ArenaView;
        add_narrowing(value, slot.view);
    } else if (forms_.contains(value)) {
        const BufferId plain = plain_form(value);
        const Storage& storage = plan_.storages[static_cast<std::size_t>(plan_.buffers[static_cast<std::size_t>(plain)].storage)];
        if (storage.home == Storage::Home::Slot && plan_.slots[static_cast<std::size_t>(storage.slot)].shape == slot.shape)
            return slots_[value] = storage.slot;
        if (storage.home == Storage::Home::Slot) {  // another shape of a tensor: as its own memory
            const BufferId copy = temporary(desc(plain));
            add({"Reorder", "", 0}, make_reorder(engine(), desc(plain), desc(plain)), {{DNNL_ARG_FROM, plain}, {DNNL_ARG_TO, copy}});
            slot.view = copy;
        } else {
            slot.view = plain;
        }
        slot.source = Slot::Source::ArenaView;
    }
    return slots_[value] = new_slot(std::move(slot));
}

void PlanBuilder::add_plain(const Node& node) {
    add_plain(node, {node.inputs().begin(), node.inputs().end()}, {node.outputs().begin(), node.outputs().end()});
}

void PlanBuilder::add_plain(const Node& node, const std::vector<const Value*>& inputs, const std::vector<const Value*>& outputs) {
    PlainStep step;
    step.node = &node;
    step.kernel = find_kernel_row(node);
    if (!step.kernel) fail(codes::kOperatorUnsupported, "node '{}': operator '{}' has no kernel", node.display_name(), node.op_type());
    for (const Value* input : inputs) step.inputs.push_back(input ? slot_of(input) : -1);
    if (!node.subgraphs().empty()) {
        step.bodies = std::make_shared<PlannedBodies>(node, tapped_, BodyOptions{plan_.threads, compute_}, constants_);
        for (const Value* captured : step.bodies->captures()) step.captures.push_back(slot_of(captured));
    }
    for (const Value* output : outputs) step.outputs.push_back(output ? slot_of(output) : -1);
    const Value* shown = !inputs.empty() && inputs[0] ? inputs[0] : outputs[0];
    const StepLabel label{node.op_type(), shown ? short_precision(values_.stored_dtype(shown)) : "?", 0};
    push(std::move(step), make_info(label, "plain:" + node.op_type()));
}

void PlanBuilder::add_tap(const Value* value) {
    TapStep step;
    step.value = value;
    step.access = tap_access_;
    const Value* source = canonical(value);
    const auto found = forms_.find(source);
    if (slots_.contains(source) || is_known(source) || found == forms_.end() || values_.is_half(source)) {
        step.slot = slot_of(source);
    } else {
        step.buffer = found->second.front();
        step.dtype = values_.dtype(source);
        step.shape = shape(source);
        const auto type = *data_type_of(step.dtype);
        if (tap_access_ == TapAccess::InOrder || element_type(desc(step.buffer)) != type || !is_packed(desc(step.buffer))) {
            step.reorder = make_reorder(engine(), desc(step.buffer), plain_desc(step.shape, type));
            plan_.scratchpad_bytes = std::max(plan_.scratchpad_bytes, step.reorder->scratchpad.get_size());
            if (tap_access_ == TapAccess::Writable) {
                step.write_back = make_reorder(engine(), plain_desc(step.shape, type), desc(step.buffer));
                plan_.scratchpad_bytes = std::max(plan_.scratchpad_bytes, step.write_back->scratchpad.get_size());
            }
        }
    }
    push(std::move(step), make_info({"Tap", short_precision(values_.dtype(source)), 0}, "tap"));
}

SlotId PlanBuilder::output_slot_of(const Value* value) {
    if (!slots_.contains(canonical(value)) && forms_.contains(canonical(value)) && values_.is_half(value) && !is_known(value)) {
        Slot made;
        made.source = Slot::Source::NewOutput;
        made.dtype = values_.stored_dtype(value);
        made.shape = values_.shape(value);
        const SlotId output = new_slot(std::move(made));
        add_narrowing(value, slot_buffer(output, shape(value), half_type(value)));
        return output;
    }
    const SlotId slot = slot_of(value);
    if (plan_.slots[static_cast<std::size_t>(slot)].source != Slot::Source::ArenaView) return slot;
    const BufferId from = plan_.slots[static_cast<std::size_t>(slot)].view;
    Slot made = plan_.slots[static_cast<std::size_t>(slot)];
    made.source = Slot::Source::NewOutput;
    made.view = -1;
    const Shape wanted = *made.shape;
    const SlotId output = new_slot(std::move(made));
    const BufferId to = slot_buffer(output, wanted, element_type(desc(from)));
    if (values_.is_half(value)) {
        add_narrowing(value, to);
        return output;
    }
    add({"Reorder", "", 0}, make_reorder(engine(), desc(from), desc(to)), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
    return output;
}

void PlanBuilder::touch(int storage, int step) {
    Storage& touched = plan_.storages[static_cast<std::size_t>(storage)];
    if (touched.first_step < 0) touched.first_step = step;
    touched.last_step = step;
}

void PlanBuilder::find_lifetimes() {
    for (std::size_t index = 0; index < plan_.steps.size(); ++index) {
        const int at = static_cast<int>(index);
        for_each_operand(plan_.steps[index], [&](BufferId buffer) { touch(plan_.buffers[static_cast<std::size_t>(buffer)].storage, at); });
        for_each_read_slot(plan_.steps[index], [&](SlotId slot) {
            const BufferId view = plan_.slots[static_cast<std::size_t>(slot)].view;
            if (view >= 0) touch(plan_.buffers[static_cast<std::size_t>(view)].storage, at);
        });
    }
}

void PlanBuilder::place_storages() {
    std::vector<BufferLifetime> lifetimes;
    std::vector<std::size_t> placed;
    for (std::size_t index = 0; index < plan_.storages.size(); ++index) {
        const Storage& storage = plan_.storages[index];
        if (storage.home != Storage::Home::Arena || storage.first_step < 0) continue;
        lifetimes.push_back({storage.bytes, storage.first_step, storage.last_step});
        placed.push_back(index);
    }
    const MemoryPlan memory = plan_memory(lifetimes);
    for (std::size_t at = 0; at < placed.size(); ++at) plan_.storages[placed[at]].offset = memory.offsets[at];
    plan_.arena_bytes = memory.arena_bytes;
    plan_.least_arena_bytes = least_arena_bytes(lifetimes);
}

void PlanBuilder::release_slots() {
    std::vector<int> last(plan_.slots.size(), -1);
    for (std::size_t index = 0; index < plan_.steps.size(); ++index) {
        for_each_read_slot(plan_.steps[index], [&](SlotId slot) { last[static_cast<std::size_t>(slot)] = static_cast<int>(index); });
        for_each_operand(plan_.steps[index], [&](BufferId buffer) {
            const Storage& storage = plan_.storages[static_cast<std::size_t>(plan_.buffers[static_cast<std::size_t>(buffer)].storage)];
            if (storage.slot >= 0) last[static_cast<std::size_t>(storage.slot)] = static_cast<int>(index);
        });
    }
    for (const PlanData::Output& output : plan_.outputs) last[static_cast<std::size_t>(output.slot)] = -1;
    for (std::size_t slot = 0; slot < last.size(); ++slot) {
        if (last[slot] < 0 || plan_.slots[slot].source != Slot::Source::Computed) continue;
        if (auto* plain = std::get_if<PlainStep>(&plan_.steps[static_cast<std::size_t>(last[slot])]))
            plain->released.push_back(static_cast<SlotId>(slot));
    }
}

PlanData PlanBuilder::finish() {
    for (const Value* output : graph_.outputs()) plan_.outputs.push_back({output_slot_of(output), values_.shape(output)});
    find_lifetimes();
    place_storages();
    release_slots();
    return std::move(plan_);
}

}  // namespace mcompress::onednn
