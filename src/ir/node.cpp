#include "ir/node.h"

#include "ir/graph.h"
#include "support/format.h"

namespace mcompress {

int Node::opset_version() const { return graph_->opset_version(domain_); }

std::string Node::display_name() const {
    if (!name_.empty()) return name_;
    for (const Value* value : outputs_)
        if (value) return value->name();
    return op_type_;
}

std::string Node::label() const { return format("node '{}' ({})", display_name(), op_type_); }

std::string Node::qualified_op_type() const { return domain_.empty() ? op_type_ : domain_ + "::" + op_type_; }

const Attribute* Node::attribute(std::string_view name) const {
    for (const Attribute& attribute : attributes_)
        if (attribute.name == name) return &attribute;
    return nullptr;
}

std::vector<Graph*> Node::subgraphs() const {
    std::vector<Graph*> bodies;
    for (const Attribute& attribute : attributes_) {
        if (const auto* body = std::get_if<std::shared_ptr<Graph>>(&attribute.value)) bodies.push_back(body->get());
        if (const auto* list = std::get_if<std::vector<std::shared_ptr<Graph>>>(&attribute.value))
            for (const auto& body : *list) bodies.push_back(body.get());
    }
    return bodies;
}

}  // namespace mcompress
