#include "onnx/convert_type.h"

namespace mcompress {

namespace {

/// Takes extents and symbols; the dimensions stay, in number, when any of them has something more to say.
std::optional<Dims> take_shape(onnx::TensorShapeProto& shape) {
    Dims dims;
    for (auto& dim : *shape.mutable_dim()) {
        if (dim.has_dim_value()) dims.push_back(dim.dim_value() >= 0 ? Dim(dim.dim_value()) : Dim());
        else if (dim.has_dim_param() && !dim.dim_param().empty()) dims.push_back(Dim(dim.dim_param()));
        else dims.emplace_back();
        dim.clear_value();
    }
    bool has_rest = false;
    for (const auto& dim : shape.dim()) has_rest = has_rest || dim.ByteSizeLong() > 0;
    if (!has_rest) shape.clear_dim();
    return dims;
}

template <typename TensorType> void take_tensor_type(ValueType& type, TensorType& proto) {
    if (is_known_dtype(proto.elem_type())) {
        type.dtype = static_cast<DType>(proto.elem_type());
        proto.clear_elem_type();
    } else if (proto.elem_type() == 0) {
        proto.clear_elem_type();  // "undefined" says no more than nothing
    }
    if (!proto.has_shape()) return;
    type.dims = take_shape(*proto.mutable_shape());
    if (proto.shape().ByteSizeLong() == 0) proto.clear_shape();
}

template <typename TensorType> void put_tensor_type(const ValueType& type, TensorType& proto) {
    if (type.dtype != DType::Undefined) proto.set_elem_type(static_cast<std::int32_t>(type.dtype));
    if (!type.dims) {
        proto.clear_shape();
        return;
    }
    auto& shape = *proto.mutable_shape();
    if (shape.dim_size() != type.rank()) {
        shape.clear_dim();
        for (int axis = 0; axis < type.rank(); ++axis) shape.add_dim();
    }
    for (int axis = 0; axis < type.rank(); ++axis) {
        const Dim& dim = (*type.dims)[static_cast<std::size_t>(axis)];
        if (dim.is_known()) shape.mutable_dim(axis)->set_dim_value(dim.extent());
        else if (dim.is_symbol()) shape.mutable_dim(axis)->set_dim_param(dim.symbol());
    }
}

std::shared_ptr<const ValueType> take_element(onnx::TypeProto& proto) {
    return std::make_shared<const ValueType>(take_type(std::move(proto)));
}

}  // namespace

ValueType take_type(onnx::TypeProto proto) {
    ValueType type;
    if (proto.has_tensor_type()) {
        type.kind = ValueType::Kind::Tensor;
        take_tensor_type(type, *proto.mutable_tensor_type());
        if (proto.tensor_type().ByteSizeLong() == 0) proto.clear_tensor_type();
    } else if (proto.has_sparse_tensor_type()) {
        type.kind = ValueType::Kind::SparseTensor;
        take_tensor_type(type, *proto.mutable_sparse_tensor_type());
        if (proto.sparse_tensor_type().ByteSizeLong() == 0) proto.clear_sparse_tensor_type();
    } else if (proto.has_sequence_type()) {
        type.kind = ValueType::Kind::Sequence;
        if (proto.sequence_type().has_elem_type()) type.element = take_element(*proto.mutable_sequence_type()->mutable_elem_type());
        proto.mutable_sequence_type()->clear_elem_type();
        if (proto.sequence_type().ByteSizeLong() == 0) proto.clear_sequence_type();
    } else if (proto.has_optional_type()) {
        type.kind = ValueType::Kind::Optional;
        if (proto.optional_type().has_elem_type()) type.element = take_element(*proto.mutable_optional_type()->mutable_elem_type());
        proto.mutable_optional_type()->clear_elem_type();
        if (proto.optional_type().ByteSizeLong() == 0) proto.clear_optional_type();
    } else if (proto.has_map_type()) {
        type.kind = ValueType::Kind::Map;
        auto& map = *proto.mutable_map_type();
        if (is_known_dtype(map.key_type())) type.dtype = static_cast<DType>(map.key_type());
        if (map.has_value_type()) type.element = take_element(*map.mutable_value_type());
        map.clear_key_type();
        map.clear_value_type();
        if (map.ByteSizeLong() == 0) proto.clear_map_type();
    } else if (proto.has_opaque_type()) {
        type.kind = ValueType::Kind::Opaque;
    }
    if (proto.ByteSizeLong() > 0) type.extra = serialize(proto);
    return type;
}

std::optional<int> unknown_element_type(const onnx::TypeProto& proto) {
    const onnx::TypeProto* at = &proto;
    while (at->has_sequence_type() || at->has_optional_type() || at->has_map_type())
        at = at->has_sequence_type()   ? &at->sequence_type().elem_type()
             : at->has_optional_type() ? &at->optional_type().elem_type()
                                       : &at->map_type().value_type();
    const int number = at->has_tensor_type() ? at->tensor_type().elem_type() : at->sparse_tensor_type().elem_type();
    return number == 0 || is_known_dtype(number) ? std::nullopt : std::optional(number);
}

void put_type(const ValueType& type, onnx::TypeProto& proto) {
    deserialize(proto, type.extra);
    switch (type.kind) {
        case ValueType::Kind::Unknown:
        case ValueType::Kind::Opaque: break;
        case ValueType::Kind::Tensor: put_tensor_type(type, *proto.mutable_tensor_type()); break;
        case ValueType::Kind::SparseTensor: put_tensor_type(type, *proto.mutable_sparse_tensor_type()); break;
        case ValueType::Kind::Sequence:
            proto.mutable_sequence_type();
            if (type.element) put_type(*type.element, *proto.mutable_sequence_type()->mutable_elem_type());
            break;
        case ValueType::Kind::Optional:
            proto.mutable_optional_type();
            if (type.element) put_type(*type.element, *proto.mutable_optional_type()->mutable_elem_type());
            break;
        case ValueType::Kind::Map:
            if (type.dtype != DType::Undefined) proto.mutable_map_type()->set_key_type(static_cast<std::int32_t>(type.dtype));
            if (type.element) put_type(*type.element, *proto.mutable_map_type()->mutable_value_type());
            break;
    }
}

}  // namespace mcompress
