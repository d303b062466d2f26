// DynamicQuantizeLinear nodes that readers of one tensor share.
#pragma once

#include <map>
#include <utility>

#include "ir/graph.h"

namespace mcompress {

class DynamicQuantizers {
public:
    /// The quantizer of a value in the reader's graph: outputs `<name>_q`, `<name>_s`, `<name>_z`. One that is there already serves too.
    Node* of(Value* value, const Node* reader);

private:
    std::map<std::pair<const Graph*, const Value*>, Node*> quantizers_;
};

}  // namespace mcompress
