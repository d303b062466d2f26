#include "ir/attribute.h"

#include <array>

namespace mcompress {

const char* attribute_kind(const AttributeValue& value) {
    static constexpr std::array<const char*, std::variant_size_v<AttributeValue>> kNames{
        "int", "float", "string", "tensor", "ints", "floats", "strings", "tensors", "graph", "graphs", "opaque"};
    return kNames[value.index()];
}

}  // namespace mcompress
