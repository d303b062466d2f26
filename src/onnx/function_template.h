// A model-local function as a graph of its own, whose attributes may refer to those of a call.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ir/model.h"

namespace mcompress {

struct FunctionTemplate {
    std::string domain, name, overload;
    std::unique_ptr<Model> model;               // the body, with the function's own opset imports
    std::map<std::string, Attribute> defaults;  // of attributes that a call may leave out

    std::string label() const { return domain + "." + name; }
};

/// Throws what is wrong with the function's structure and tensors; kModelInvalid with every fault of structure at once.
FunctionTemplate make_template(const Function& function);

/// The name of the attribute of a call that this one stands for; empty when it is no reference.
std::string referenced_attribute(const Attribute& attribute);

/// Which overload of a function a node calls.
std::string called_overload(const Node& node);

/// A copy of a template where it is called.
struct FunctionInstance {
    std::vector<Node*> nodes;     // those beside the call, bodies apart
    std::vector<Value*> outputs;  // what the template's outputs are there; null for an input that the call leaves out
    std::int64_t node_count = 0;  // bodies included
};

/// Puts a copy of the template's nodes in front of `call`. Throws kTooLarge beyond `most_nodes`.
FunctionInstance instantiate(const FunctionTemplate& function, Node& call, std::int64_t most_nodes);

}  // namespace mcompress
