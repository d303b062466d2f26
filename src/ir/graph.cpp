#include "ir/graph.h"

#include <algorithm>

#include "support/check.h"

namespace mcompress {

Graph::Graph(std::shared_ptr<OpsetImports> opset_imports) : opset_imports_(std::move(opset_imports)) {}

std::shared_ptr<Graph> Graph::make_body(Graph& outer) {
    auto body = std::make_shared<Graph>(outer.opset_imports_);
    body->outer_ = &outer;
    body->body_names_->outer = outer.body_names_;
    return body;
}

Graph::~Graph() {
    // Bodies hold uses of this graph's values; drop the nodes (and with them the bodies) newest first, without touching those uses.
    while (!nodes_.empty()) nodes_.pop_back();
    for (const auto& value : values_) count_name(value->name_, -1);
}

int Graph::opset_version(std::string_view domain) const {
    const auto found = opset_imports_->find(std::string(domain));
    return found == opset_imports_->end() ? 0 : found->second;
}

std::vector<Value*> Graph::constants() const {
    std::vector<Value*> result;
    for (const auto& value : values_)
        if (value->constant()) result.push_back(value.get());
    for (const auto& value : values_)
        if (!value->sparse_initializer_.empty()) result.push_back(value.get());
    return result;
}

std::vector<Node*> Graph::nodes() const {
    std::vector<Node*> result;
    result.reserve(nodes_.size());
    for (const auto& node : nodes_) result.push_back(node.get());
    return result;
}

Value* Graph::find_value(std::string_view name) const {
    const auto found = by_name_.find(std::string(name));
    return found == by_name_.end() ? nullptr : found->second;
}

Value* Graph::resolve(std::string_view name) const {
    for (const Graph* graph = this; graph; graph = graph->outer_)
        if (Value* value = graph->find_value(name)) return value;
    return nullptr;
}

// ---- building ----

void Graph::count_name(std::string_view name, int change) const {
    if (!outer_) return;
    const std::size_t key = std::hash<std::string_view>()(name);
    for (BodyNames* names = body_names_->outer.get(); names; names = names->outer.get())
        if ((names->counts[key] += change) == 0) names->counts.erase(key);
}

bool Graph::is_taken(std::string_view name) const {
    if (resolve(name)) return true;
    return !body_names_->counts.empty() && body_names_->counts.contains(std::hash<std::string_view>()(name));
}

Value* Graph::new_value(std::string name) {
    values_.push_back(std::unique_ptr<Value>(new Value(this)));
    Value* value = values_.back().get();
    value->position_ = std::prev(values_.end());
    value->name_ = std::move(name);
    by_name_.emplace(value->name_, value);
    count_name(value->name_, 1);
    return value;
}

std::string Graph::unique_name(std::string_view hint) const {
    std::string base = hint.empty() ? "value" : std::string(hint);
    if (!hint.empty() && !is_taken(base)) return base;
    // Thousands of equal hints would make a search from 1 quadratic: behind the first few, numbers as high as there are values are mostly free.
    constexpr std::size_t kLinearSearch = 64;
    for (std::size_t suffix = 1;; ++suffix) {
        if (suffix == kLinearSearch) suffix = std::max(suffix, values_.size());
        std::string candidate = base + "_" + std::to_string(suffix);
        if (!is_taken(candidate)) return candidate;
    }
}

Value* Graph::add_input(std::string_view name, ValueType type) {
    Value* value = new_value(unique_name(name));
    value->type_ = std::move(type);
    value->is_graph_input_ = true;
    inputs_.push_back(value);
    return value;
}

Value* Graph::add_constant(std::string_view name_hint, Tensor tensor) {
    Value* value = new_value(unique_name(name_hint));
    set_initializer(value, std::move(tensor));
    return value;
}

Value* Graph::add_sparse_constant(std::string_view name, std::string serialized, ValueType type) {
    Value* value = new_value(unique_name(name));
    value->sparse_initializer_ = std::move(serialized);
    value->type_ = std::move(type);
    return value;
}

Node* Graph::add_node(NodeSpec spec, const Node* before) {
    MCOMPRESS_CHECK(!before || before->graph_ == this);
    const auto position = before ? before->position_ : nodes_.end();
    const auto at = nodes_.insert(position, std::unique_ptr<Node>(new Node(this)));
    Node* node = at->get();
    node->position_ = at;
    node->domain_ = std::move(spec.domain);
    node->op_type_ = std::move(spec.op_type);
    node->name_ = std::move(spec.name);
    node->attributes_ = std::move(spec.attributes);
    node->extra_ = std::move(spec.extra);
    for (Value* value : spec.inputs) append_input(node, value);
    for (const std::string& hint : spec.outputs) {
        Value* value = new_value(unique_name(hint));
        value->producer_ = node;
        value->output_index_ = static_cast<int>(node->outputs_.size());
        node->outputs_.push_back(value);
    }
    return node;
}

void Graph::add_output(Value* value) {
    outputs_.push_back(value);
    ++value->graph_output_uses_;
}

// ---- changing ----

void Graph::add_use(Value* value, Node* node, int index) { value->uses_.push_back({node, index}); }

void Graph::remove_use(Value* value, Node* node, int index) {
    const auto found = std::find(value->uses_.rbegin(), value->uses_.rend(), Use{node, index});
    MCOMPRESS_CHECK(found != value->uses_.rend());
    value->uses_.erase(std::next(found).base());
}

void Graph::set_initializer(Value* value, Tensor tensor, std::string extra) {
    MCOMPRESS_CHECK(!value->producer_);
    if (!value->is_graph_input_) value->type_ = ValueType::tensor(tensor.dtype(), tensor.shape());
    value->initializer_ = std::move(tensor);
    value->initializer_extra_ = std::move(extra);
}

void Graph::set_input(Node* node, int index, Value* value) {
    Value*& slot = node->inputs_.at(static_cast<std::size_t>(index));
    if (slot == value) return;
    if (slot) remove_use(slot, node, index);
    slot = value;
    if (value) add_use(value, node, index);
}

void Graph::append_input(Node* node, Value* value) {
    node->inputs_.push_back(nullptr);
    set_input(node, node->input_count() - 1, value);
}

void Graph::resize_inputs(Node* node, int count) {
    for (int index = count; index < node->input_count(); ++index) set_input(node, index, nullptr);
    node->inputs_.resize(static_cast<std::size_t>(count), nullptr);
}

void Graph::set_attribute(Node* node, std::string name, AttributeValue value) {
    for (Attribute& attribute : node->attributes_)
        if (attribute.name == name) {
            attribute.value = std::move(value);
            return;
        }
    node->attributes_.push_back({std::move(name), std::move(value), {}});
}

void Graph::erase_attribute(Node* node, std::string_view name) {
    std::erase_if(node->attributes_, [&](const Attribute& attribute) { return attribute.name == name; });
}

void Graph::set_op_type(Node* node, std::string domain, std::string op_type) {
    node->domain_ = std::move(domain);
    node->op_type_ = std::move(op_type);
}

void Graph::rename(Value* value, std::string name) {
    if (value->name_ == name) return;
    MCOMPRESS_CHECK(!find_value(name));
    by_name_.erase(value->name_);
    count_name(value->name_, -1);
    value->name_ = std::move(name);
    count_name(value->name_, 1);
    by_name_.emplace(value->name_, value);
}

void Graph::set_output(int index, Value* value) {
    Value*& slot = outputs_.at(static_cast<std::size_t>(index));
    --slot->graph_output_uses_;
    slot = value;
    ++value->graph_output_uses_;
}

void Graph::erase_output(int index) {
    --outputs_.at(static_cast<std::size_t>(index))->graph_output_uses_;
    outputs_.erase(outputs_.begin() + index);
}

bool Graph::can_replace(const Value* from, const Value* to) const {
    if (from == to || !from->is_graph_output()) return true;
    // An outer value may itself be the output of a body: that use is not ours to rename.
    const auto own = std::count(outputs_.begin(), outputs_.end(), from);
    return own == from->graph_output_uses_ && own == 1 && to->graph_ == this && to->producer_ && !to->is_graph_output();
}

void Graph::replace_all_uses(Value* from, Value* to) {
    if (from == to) return;
    MCOMPRESS_CHECK(can_replace(from, to));
    const std::vector<Use> uses = std::move(from->uses_);
    from->uses_.clear();
    for (const Use& use : uses) {
        use.node->inputs_[static_cast<std::size_t>(use.index)] = to;
        to->uses_.push_back(use);
    }
    if (!from->is_graph_output()) return;
    for (std::size_t index = 0; index < outputs_.size(); ++index)
        if (outputs_[index] == from) set_output(static_cast<int>(index), to);
    std::string name = from->name_;
    rename(from, unique_name(name + "_replaced"));
    rename(to, std::move(name));
    to->written_name_ = std::move(from->written_name_);
    from->written_name_.clear();
    if (to->type_.kind == ValueType::Kind::Unknown) to->type_ = from->type_;
    if (to->extra_.empty()) to->extra_ = from->extra_;
}

void Graph::drop_value(Value* value) {
    by_name_.erase(value->name_);
    count_name(value->name_, -1);
    values_.erase(value->position_);
}

void Graph::erase(Node* node) {
    MCOMPRESS_CHECK(node->graph_ == this);
    for (const Value* value : node->outputs_) MCOMPRESS_CHECK(!value || value->is_unused());
    // What the bodies read of this graph and of outer ones is released first.
    for (Graph* body : node->subgraphs())
        for_each_graph(*body, [](Graph& graph) {
            while (!graph.outputs_.empty()) graph.erase_output(static_cast<int>(graph.outputs_.size()) - 1);
            for (const auto& inner : graph.nodes_)
                for (int index = 0; index < inner->input_count(); ++index) graph.set_input(inner.get(), index, nullptr);
        });
    for (int index = 0; index < node->input_count(); ++index) set_input(node, index, nullptr);
    for (Value* value : node->outputs_)
        if (value) drop_value(value);
    nodes_.erase(node->position_);
}

void Graph::erase(Value* value) {
    MCOMPRESS_CHECK(value->graph_ == this && value->is_unused() && !value->producer_);
    if (value->is_graph_input_) std::erase(inputs_, value);
    drop_value(value);
}

void Graph::erase_node_output(Node* node, int index) {
    Value*& slot = node->outputs_.at(static_cast<std::size_t>(index));
    if (!slot) return;
    MCOMPRESS_CHECK(slot->is_unused());
    drop_value(slot);
    slot = nullptr;
}

}  // namespace mcompress
