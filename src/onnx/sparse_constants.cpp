#include "onnx/sparse_constants.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "onnx/convert_tensor.h"
#include "onnx/proto.h"
#include "onnx/sparse_tensor.h"
#include "support/error.h"

namespace mcompress {

namespace {

constexpr std::uint64_t kMostGrowth = 10'000, kSmall = std::uint64_t{1} << 20;

/// Bytes of an element; 0 for strings and packed elements, which stay as they are.
std::size_t width_of(DType dtype) { return dtype == DType::String ? 0 : static_cast<std::size_t>(dtype_bits(dtype)) / 8; }

/// The place in row-major order of value `index`: its one number, or its coordinates.
std::int64_t place_of(std::span<const std::int64_t> indices, const Shape& shape, std::int64_t index, bool is_linear) {
    if (is_linear) return indices[static_cast<std::size_t>(index)];
    std::int64_t place = 0;
    for (int axis = 0; axis < shape.rank(); ++axis)
        place = place * shape[axis] + indices[static_cast<std::size_t>(index * shape.rank() + axis)];
    return place;
}

Tensor expand(const Value& value) {
    onnx::SparseTensorProto proto;
    deserialize(proto, value.sparse_initializer());
    with_context([&] { return format("sparse initializer '{}'", value.name()); }, [&] { check_sparse_tensor(proto); });
    const Shape shape(std::vector<std::int64_t>(proto.dims().begin(), proto.dims().end()));
    const Tensor values = take_tensor(*proto.mutable_values(), {});
    const std::size_t width = width_of(values.dtype());
    if (width == 0)
        throw Error(codes::kTensorInvalid,
                    format("sparse initializer '{}' holds elements of type {}", value.name(), dtype_name(values.dtype())),
                    "store the tensor densely");
    const std::uint64_t bytes = static_cast<std::uint64_t>(shape.element_count()) * width, held = value.sparse_initializer().size();
    if (bytes > kSmall && bytes / kMostGrowth > held)
        throw Error(codes::kTooLarge,
                    format("sparse initializer '{}' takes {} bytes for {} when it is written out", value.name(), bytes, held),
                    "such a tensor is not written out");
    Tensor dense(values.dtype(), shape);
    const std::int64_t stored = values.element_count();
    if (stored == 0) return dense;
    const Tensor places = take_tensor(*proto.mutable_indices(), {});
    const bool is_linear = places.shape().rank() == 1;
    std::byte* to = dense.mutable_bytes();
    const auto indices = places.values<std::int64_t>();
    for (std::int64_t index = 0; index < stored; ++index) {
        const auto place = static_cast<std::size_t>(place_of(indices, shape, index, is_linear));
        std::memcpy(to + place * width, values.bytes() + static_cast<std::size_t>(index) * width, width);
    }
    return dense;
}

/// Serialized, when that is smaller. Elements whose bits are all 0 are left out: -0 stays.
std::optional<std::string> compress(const Tensor& tensor) {
    const std::size_t width = width_of(tensor.dtype());
    if (width == 0 || tensor.element_count() == 0 || tensor.shape().rank() == 0) return std::nullopt;
    std::vector<std::int64_t> places;
    std::vector<std::byte> values;
    const std::byte* from = tensor.stored_bytes();
    for (std::int64_t index = 0; index < tensor.element_count(); ++index) {
        const std::byte* element = from + static_cast<std::size_t>(index) * width;
        if (std::all_of(element, element + width, [](std::byte byte) { return byte == std::byte{0}; })) continue;
        places.push_back(index);
        values.insert(values.end(), element, element + width);
        if (places.size() * (width + sizeof(std::int64_t)) >= tensor.byte_size()) return std::nullopt;
    }
    const Shape length{static_cast<std::int64_t>(places.size())};
    onnx::SparseTensorProto proto;
    put_tensor(Tensor::from_bytes(tensor.dtype(), length, values), *proto.mutable_values());
    put_tensor(Tensor::from_values(length, places), *proto.mutable_indices());
    for (const std::int64_t extent : tensor.shape()) proto.add_dims(extent);
    return serialize(proto);
}

/// Another form of a constant, under its name.
void take_place(Graph& graph, Value* old, Value* made, const std::string& name) {
    graph.replace_all_uses(old, made);
    graph.erase(old);
    graph.rename(made, name);
}

}  // namespace

SparseCounts expand_sparse_constants(Graph& graph) {
    SparseCounts counts;
    for_each_graph(graph, [&](Graph& each) {
        for (Value* value : each.constants()) {
            if (value->sparse_initializer().empty() || value->is_graph_output()) continue;
            Tensor tensor = expand(*value);
            ++counts.constants;
            counts.sparse += value->sparse_initializer().size();
            counts.dense += tensor.byte_size();
            const std::string name = value->name();
            take_place(each, value, each.add_constant(name, std::move(tensor)), name);
        }
    });
    return counts;
}

SparseCounts store_sparse_constants(Graph& graph) {
    SparseCounts counts;
    for_each_graph(graph, [&](Graph& each) {
        for (Value* value : each.constants()) {
            const Tensor* tensor = value->constant();
            if (!tensor || value->is_graph_output()) continue;
            auto serialized = compress(*tensor);
            if (!serialized || serialized->size() >= tensor->byte_size()) continue;
            ++counts.constants;
            counts.sparse += serialized->size();
            counts.dense += tensor->byte_size();
            const std::string name = value->name();
            take_place(each, value, each.add_sparse_constant(each.unique_name(name + "_sparse"), std::move(*serialized), value->type()),
                       name);
        }
    });
    return counts;
}

}  // namespace mcompress
