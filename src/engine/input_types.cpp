#include "engine/input_types.h"

#include <algorithm>

#include "support/error.h"

namespace mcompress {

namespace {

bool is_of_tensor_type(const Tensor& tensor, const ValueType& type) {
    if (!tensor.defined() || (type.dtype != DType::Undefined && type.dtype != tensor.dtype())) return false;
    if (!type.has_rank()) return true;
    if (type.rank() != tensor.shape().rank()) return false;
    for (int axis = 0; axis < type.rank(); ++axis) {
        const Dim& dim = (*type.dims)[static_cast<std::size_t>(axis)];
        if (dim.is_known() && dim.extent() != tensor.shape()[axis]) return false;
    }
    return true;
}

}  // namespace

bool is_of_type(const RuntimeValue& value, const ValueType& type) {
    const auto elements_fit = [&] {
        return !type.element || std::all_of(value.elements().begin(), value.elements().end(),
                                            [&](const RuntimeValue& element) { return is_of_type(element, *type.element); });
    };
    switch (type.kind) {
        case ValueType::Kind::Unknown: return true;
        case ValueType::Kind::Tensor: return value.is_tensor() && is_of_tensor_type(value.tensor(), type);
        case ValueType::Kind::Sequence: return value.is_sequence() && elements_fit();
        case ValueType::Kind::Optional:  // what an optional would hold may be given as it is
            return value.is_optional() ? elements_fit() : type.element && is_of_type(value, *type.element);
        case ValueType::Kind::SparseTensor:
        case ValueType::Kind::Map:
        case ValueType::Kind::Opaque: return false;
    }
    return false;
}

void check_input(const Value& input, const RuntimeValue& given) {
    if (!is_of_type(given, input.type()))
        fail(codes::kDataMismatch, "input '{}' is {}, found {}", input.name(), input.type().to_string(), given.to_string());
}

}  // namespace mcompress
