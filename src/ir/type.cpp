#include "ir/type.h"

namespace mcompress {

std::string Dim::to_string() const {
    if (is_known()) return std::to_string(extent_);
    return is_symbol() ? symbol_ : "?";
}

std::optional<Shape> ValueType::shape() const {
    if (!dims) return std::nullopt;
    std::vector<std::int64_t> extents;
    extents.reserve(dims->size());
    for (const Dim& dim : *dims) {
        if (!dim.is_known()) return std::nullopt;
        extents.push_back(dim.extent());
    }
    return Shape(std::move(extents));
}

bool ValueType::operator==(const ValueType& other) const {
    if (kind != other.kind || dtype != other.dtype || dims != other.dims || extra != other.extra) return false;
    if (!element || !other.element) return !element && !other.element;
    return *element == *other.element;
}

std::string ValueType::to_string() const {
    switch (kind) {
        case Kind::Unknown: return "?";
        case Kind::Opaque: return "opaque";
        case Kind::Sequence: return "seq(" + (element ? element->to_string() : "?") + ")";
        case Kind::Optional: return "optional(" + (element ? element->to_string() : "?") + ")";
        case Kind::Map: return "map(" + std::string(dtype_name(dtype)) + "," + (element ? element->to_string() : "?") + ")";
        case Kind::SparseTensor:
        case Kind::Tensor: break;
    }
    std::string text = kind == Kind::SparseTensor ? "sparse " : "";
    text += dtype == DType::Undefined ? "?" : std::string(dtype_name(dtype));
    if (!dims) return text + "[...]";
    text += '[';
    for (std::size_t axis = 0; axis < dims->size(); ++axis) {
        if (axis > 0) text += ',';
        text += (*dims)[axis].to_string();
    }
    return text + ']';
}

}  // namespace mcompress
