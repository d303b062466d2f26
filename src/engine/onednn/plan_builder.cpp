#include "engine/onednn/plan_builder.h"

#include <algorithm>

#include "engine/onednn/plan.h"
#include "engine/onednn/routines.h"
#include "engine/reference/program.h"
#include "support/error.h"

namespace mcompress::onednn {

PlanBuilder::PlanBuilder(const Graph& graph, const CompileOptions& options, PropagatedValues values, std::span<Value* const> outer,
                         std::shared_ptr<SharedConstants> constants)
    : graph_(graph),
      values_(std::move(values)),
      constants_(std::move(constants)),
      compute_(options.compute),
      tapped_(options.tapped.begin(), options.tapped.end()),
      tap_access_(options.tap_access) {
    plan_.engine = dnnl::engine(dnnl::engine::kind::cpu, 0);
    plan_.routines = std::make_shared<OneDnnRoutines>(plan_.engine);
    plan_.threads = options.threads;
    plan_.inputs.assign(graph.inputs().begin(), graph.inputs().end());
    plan_.inputs.insert(plan_.inputs.end(), outer.begin(), outer.end());
    pending_.insert(values_.nodes.begin(), values_.nodes.end());
    for (int index = 0; index < static_cast<int>(plan_.inputs.size()); ++index) bind_input(index);
}

void PlanBuilder::bind_input(int index) {
    const Value* value = plan_.inputs[static_cast<std::size_t>(index)];
    if (values_.is_known(value)) {
        if (&value->graph() == &graph_) plan_.fixed_inputs.push_back(index);
        return;  // an outer constant is given at every run all the same
    }
    Slot slot;
    slot.source = Slot::Source::GraphInput;
    slot.input = index;
    slot.dtype = values_.stored_dtype(value);
    slot.shape = values_.shape(value);
    slots_[value] = new_slot(slot);
}

bool PlanBuilder::is_dense(const Value* value, DType dtype) const {
    if (!value || values_.dtype(value) != dtype || !data_type_of(dtype)) return false;
    const auto shape = values_.shape(value);
    return shape && shape->rank() <= 6 && shape->checked_element_count().value_or(0) > 0;
}

const Value* PlanBuilder::canonical(const Value* value) const {
    for (auto found = aliases_.find(value); found != aliases_.end(); found = aliases_.find(value)) value = found->second;
    return value;
}

/// The value whose memory this one sees, perhaps through others.
const Value* PlanBuilder::root(const Value* value) const {
    value = canonical(value);
    for (auto found = origins_.find(value); found != origins_.end(); found = origins_.find(value)) value = canonical(found->second);
    return value;
}

bool PlanBuilder::is_read_later(const Value* value) const {
    constexpr std::size_t kMostUses = 64;  // beyond, the search would cost more than a reused buffer saves
    if (is_kept(value) || value->uses().size() > kMostUses) return true;
    return std::any_of(value->uses().begin(), value->uses().end(), [&](const Use& use) {
        if (&use.node->graph() != &graph_) return true;  // in a body: whoever holds it may run later
        return pending_.contains(use.node) && std::find(current_.begin(), current_.end(), use.node) == current_.end();
    });
}

bool PlanBuilder::dies_here(const Value* value) const {
    std::vector<const Value*> together{root(value)};
    for (std::size_t at = 0; at < together.size(); ++at) {
        if (is_read_later(together[at])) return false;
        if (const auto found = derived_.find(together[at]); found != derived_.end())
            for (const Value* derived : found->second) together.push_back(derived);  // insert() of a range: g++ 14 warns inside it
    }
    return true;
}

// ---- memory ----

int PlanBuilder::new_storage(Storage storage) {
    plan_.storages.push_back(std::move(storage));
    return static_cast<int>(plan_.storages.size()) - 1;
}

BufferId PlanBuilder::new_buffer(const Desc& desc, int storage) {
    plan_.buffers.push_back({desc, storage});
    return static_cast<BufferId>(plan_.buffers.size()) - 1;
}

SlotId PlanBuilder::new_slot(Slot slot) {
    plan_.slots.push_back(std::move(slot));
    return static_cast<SlotId>(plan_.slots.size()) - 1;
}

BufferId PlanBuilder::slot_buffer(SlotId slot, const Shape& shape, dnnl::memory::data_type type) {
    Storage storage;
    storage.home = Storage::Home::Slot;
    storage.slot = slot;
    const Desc desc = plain_desc(shape, type);
    storage.bytes = desc.get_size();
    return new_buffer(desc, new_storage(std::move(storage)));
}

bool PlanBuilder::is_writable(BufferId buffer) const {
    return plan_.storages[static_cast<std::size_t>(plan_.buffers[static_cast<std::size_t>(buffer)].storage)].home == Storage::Home::Arena;
}

BufferId PlanBuilder::view(BufferId buffer, const Desc& desc) {
    return new_buffer(desc, plan_.buffers[static_cast<std::size_t>(buffer)].storage);
}

BufferId PlanBuilder::any_form(const Value* value) {
    value = canonical(value);
    std::vector<BufferId>& forms = forms_[value];
    if (!forms.empty()) return forms.front();
    const auto type = data_type_of(values_.dtype(value));
    const auto shape = values_.shape(value);
    MCOMPRESS_CHECK(type && shape);
    BufferId made = -1;
    if (const Tensor* tensor = known(value)) made = constant(*tensor, plain_desc(*shape, *type));
    else if (values_.is_half(value)) made = widened(value, *shape);
    else made = slot_buffer(slot_of(value), *shape, *type);
    forms_[value].push_back(made);
    return made;
}

bool PlanBuilder::has_form(const Value* value, const Desc& wanted) const {
    const auto found = forms_.find(canonical(value));
    return found != forms_.end() &&
           std::any_of(found->second.begin(), found->second.end(), [&](BufferId buffer) { return desc(buffer) == wanted; });
}

BufferId PlanBuilder::form(const Value* value, const Desc& wanted) {
    const BufferId first = any_form(value);
    value = canonical(value);
    const bool row_major = is_row_major(wanted);
    for (const BufferId buffer : forms_[value]) {
        if (desc(buffer) == wanted) return buffer;
        if (row_major && is_row_major(desc(buffer)) && desc(buffer).get_size() == wanted.get_size()) return view(buffer, wanted);
    }
    BufferId made = -1;
    if (const Tensor* tensor = known(value)) {
        made = constant(*tensor, wanted);
    } else {
        made = temporary(wanted);
        add({"Reorder", "", 0}, make_reorder(engine(), desc(first), wanted), {{DNNL_ARG_FROM, first}, {DNNL_ARG_TO, made}});
    }
    forms_[value].push_back(made);
    return made;
}

BufferId PlanBuilder::plain_form(const Value* value) { return form(value, plain_desc(shape(value), *data_type_of(values_.dtype(value)))); }

BufferId PlanBuilder::row_major_form(const Value* value) {
    return form(value, plain_desc(shape(value), element_type(desc(any_form(value)))));
}

BufferId PlanBuilder::constant(const Tensor& tensor, const Desc& layout) {
    return constant(tensor, plain_desc(tensor.shape(), *data_type_of(tensor.dtype())), layout);
}

BufferId PlanBuilder::constant(const Tensor& tensor, const Desc& row_major, const Desc& layout) {
    Storage storage;
    storage.home = Storage::Home::Constant;
    storage.bytes = layout.get_size();
    if (row_major == layout) {
        auto held = std::make_shared<Tensor>(tensor);
        storage.constant = held->bytes();
        storage.owner = std::move(held);
    } else {
        auto held = constants_->find_or_make(tensor.stored_bytes(), row_major, layout, [&](std::byte* memory) {
            const dnnl::memory from(row_major, engine(), const_cast<std::byte*>(tensor.stored_bytes())), to(layout, engine(), memory);
            execute_once(engine(), make_reorder(engine(), row_major, layout), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
        });
        tensor.release_pages();  // packed weights take their place
        storage.constant = held.get();
        storage.owner = std::move(held);
    }
    return new_buffer(layout, new_storage(std::move(storage)));
}

BufferId PlanBuilder::temporary(const Desc& desc) {
    Storage storage;
    storage.bytes = desc.get_size();
    return new_buffer(desc, new_storage(std::move(storage)));
}

BufferId PlanBuilder::result(const Value* value, const Desc& desc) {
    const auto shape = values_.shape(value);
    // An output leaves in its own type.
    if (value->is_graph_output() && is_row_major(desc) && shape && element_type(desc) == data_type_of(values_.stored_dtype(value))) {
        Slot slot;
        slot.source = Slot::Source::NewOutput;
        slot.dtype = values_.dtype(value);
        slot.shape = shape;
        const SlotId made = new_slot(slot);
        slots_[value] = made;
        const BufferId plain = slot_buffer(made, *shape, element_type(desc));
        const BufferId buffer = plain_desc(*shape, element_type(desc)) == desc ? plain : view(plain, desc);
        forms_[value] = {buffer};
        return buffer;
    }
    const BufferId buffer = temporary(desc);
    forms_[value] = {buffer};
    return buffer;
}

BufferId PlanBuilder::result_in(const Value* value, BufferId place, const Desc& desc) {
    const BufferId buffer = view(place, desc);
    forms_[value] = {buffer};
    return buffer;
}

void PlanBuilder::derive(const Value* value, const Value* from) {
    derived_[canonical(from)].push_back(value);
    origins_[value] = from;
}

void PlanBuilder::share(const Value* value, const Value* from, BufferId buffer, const Desc& desc) {
    forms_[value] = {view(buffer, desc)};
    derive(value, from);
}

void PlanBuilder::alias(const Value* alias, const Value* value) {
    aliases_[alias] = value;
    derived_[canonical(value)].push_back(alias);
}

}  // namespace mcompress::onednn
