// A node's attribute: a name and a value of one of ONNX's attribute types.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "tensor/tensor.h"

namespace mcompress {

class Graph;

/// An attribute kind mcompress carries but does not interpret (sparse tensors, type protos, references to function attributes):
/// the whole serialized AttributeProto.
struct OpaqueAttribute {
    std::string bytes;
};

using AttributeValue =
    std::variant<std::int64_t, float, std::string, Tensor, std::vector<std::int64_t>, std::vector<float>, std::vector<std::string>,
                 std::vector<Tensor>, std::shared_ptr<Graph>, std::vector<std::shared_ptr<Graph>>, OpaqueAttribute>;

struct Attribute {
    std::string name;
    AttributeValue value;
    std::string extra;  // serialized fields beyond name, type and value (doc string, unknown fields)
};

/// "int", "float", "string", "tensor", "ints", "floats", "strings", "tensors", "graph", "graphs", "opaque".
const char* attribute_kind(const AttributeValue& value);

}  // namespace mcompress
