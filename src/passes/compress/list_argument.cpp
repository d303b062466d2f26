#include "passes/compress/list_argument.h"

#include "ir/topology.h"
#include "ops/attributes.h"
#include "passes/rewriter.h"
#include "support/check.h"

namespace mcompress {

namespace {

/// The input of a node, and the element of it, that holds an element of a list.
struct Holder {
    const Node* node = nullptr;
    int input = 0;
    int element = 0;
};

std::optional<std::int64_t> known_length(const Value* part) {
    if (!part || !part->type().has_rank() || part->type().rank() != 1 || !(*part->type().dims)[0].is_known()) return std::nullopt;
    return (*part->type().dims)[0].extent();
}

std::optional<Holder> find_holder(const Node& node, int input, int index) {
    const Value* list = node.input(input);
    if (!list || &list->graph() != &node.graph()) return std::nullopt;
    if (known_tensor(list)) return Holder{&node, input, index};
    const Node* concat = list->producer();
    if (!concat || !concat->is("Concat")) return std::nullopt;
    for (int part = 0; part < concat->input_count(); ++part) {
        const std::optional<std::int64_t> length = known_length(concat->input(part));
        if (!length) return std::nullopt;
        if (index < *length) return known_tensor(concat->input(part)) ? std::optional(Holder{concat, part, index}) : std::nullopt;
        index -= static_cast<int>(*length);
    }
    return std::nullopt;
}

Tensor with_element(const Tensor& list, int index, std::int64_t value) {
    Tensor changed = list;
    if (list.dtype() == DType::Int32) changed.mutable_data<std::int32_t>()[index] = static_cast<std::int32_t>(value);
    else changed.mutable_data<std::int64_t>()[index] = value;
    return changed;
}

}  // namespace

std::optional<std::int64_t> list_element(const Node& node, int input, int index) {
    const std::optional<Holder> holder = find_holder(node, input, index);
    if (!holder) return std::nullopt;
    const auto list = integers_of(*known_tensor(holder->node->input(holder->input)));
    if (!list || holder->element < 0 || holder->element >= static_cast<int>(list->size())) return std::nullopt;
    return (*list)[static_cast<std::size_t>(holder->element)];
}

void put_list_element(Node& node, int input, int index, std::int64_t value) {
    const std::optional<Holder> holder = find_holder(node, input, index);
    MCOMPRESS_CHECK(holder.has_value());
    Node* owner = &node;
    if (holder->node != &node) {
        owner = node.input(input)->producer();
        if (!single_use(node.input(input))) {
            const std::vector<Value*> parts(owner->inputs().begin(), owner->inputs().end());
            const std::vector<Attribute> attributes(owner->attributes().begin(), owner->attributes().end());
            Node* copy = node.graph().add_node({.op_type = "Concat", .inputs = parts, .attributes = attributes}, owner);
            node.graph().set_type(copy->output(0), owner->output(0)->type());
            node.graph().set_input(&node, input, copy->output(0));
            owner = copy;
        }
    }
    const Value* list = owner->input(holder->input);
    put_constant(owner, holder->input, with_element(*known_tensor(list), holder->element, value), list->name());
}

}  // namespace mcompress
