#include "onnx/convert_attribute.h"

#include <algorithm>
#include <iterator>

#include "onnx/inline_external.h"
#include "support/error.h"

namespace mcompress {

namespace {

using Proto = onnx::AttributeProto;

/// The types whose fields hold something, in the order of the specification's list.
std::vector<Proto::AttributeType> present_types(const Proto& proto) {
    std::vector<Proto::AttributeType> types;
    const auto add = [&](bool present, Proto::AttributeType type) {
        if (present) types.push_back(type);
    };
    add(proto.has_f(), Proto::FLOAT);
    add(proto.has_i(), Proto::INT);
    add(proto.has_s(), Proto::STRING);
    add(proto.has_t(), Proto::TENSOR);
    add(proto.has_g(), Proto::GRAPH);
    add(proto.has_sparse_tensor(), Proto::SPARSE_TENSOR);
    add(proto.has_tp(), Proto::TYPE_PROTO);
    add(proto.floats_size() > 0, Proto::FLOATS);
    add(proto.ints_size() > 0, Proto::INTS);
    add(proto.strings_size() > 0, Proto::STRINGS);
    add(proto.tensors_size() > 0, Proto::TENSORS);
    add(proto.graphs_size() > 0, Proto::GRAPHS);
    add(proto.sparse_tensors_size() > 0, Proto::SPARSE_TENSORS);
    add(proto.type_protos_size() > 0, Proto::TYPE_PROTOS);
    return types;
}

[[noreturn]] void refuse(const Proto& proto, std::string_view problem) {
    throw Error(codes::kModelInvalid, format("attribute '{}' {}", proto.name(), problem), "export the model again");
}

/// The declared type; files of IR version 1 leave it out and say it by the field they use.
Proto::AttributeType type_of(const Proto& proto) {
    const auto present = present_types(proto);
    if (present.size() > 1) refuse(proto, "holds values of several types");
    const auto declared = proto.type();
    if (declared == Proto::UNDEFINED) return present.empty() ? Proto::UNDEFINED : present.front();
    if (!present.empty() && present.front() != declared)
        refuse(proto,
               format("is declared as {} but holds {}", Proto::AttributeType_Name(declared), Proto::AttributeType_Name(present.front())));
    return declared;
}

/// Keeps an element of a repeated message field only where something remains in any of them, so that the indices stay right.
template <typename Messages> void clear_when_empty(Messages& messages) {
    if (std::all_of(messages.begin(), messages.end(), [](const auto& message) { return message.ByteSizeLong() == 0; })) messages.Clear();
}

std::vector<Tensor> take_tensors(Proto& proto, const TensorSource& source) {
    std::vector<Tensor> tensors;
    for (auto& tensor : *proto.mutable_tensors()) tensors.push_back(take_tensor(tensor, source));
    clear_when_empty(*proto.mutable_tensors());
    return tensors;
}

std::vector<std::shared_ptr<Graph>> take_graphs(Proto& proto, const BodyTaker& take_body) {
    std::vector<std::shared_ptr<Graph>> graphs;
    std::vector<std::unique_ptr<onnx::GraphProto>> bodies(static_cast<std::size_t>(proto.graphs_size()));
    for (auto body = bodies.rbegin(); body != bodies.rend(); ++body) body->reset(proto.mutable_graphs()->ReleaseLast());
    for (auto& body : bodies) graphs.push_back(take_body(std::move(body)));
    return graphs;
}

AttributeValue take_value(Proto& proto, Proto::AttributeType type, const TensorSource& source, const BodyTaker& take_body) {
    switch (type) {
        case Proto::FLOAT: return proto.f();
        case Proto::INT: return static_cast<std::int64_t>(proto.i());
        case Proto::STRING: return std::move(*proto.mutable_s());
        case Proto::TENSOR: {
            Tensor tensor = take_tensor(*proto.mutable_t(), source);
            if (proto.t().ByteSizeLong() == 0) proto.clear_t();
            return tensor;
        }
        case Proto::GRAPH: return take_body(std::unique_ptr<onnx::GraphProto>(proto.has_g() ? proto.release_g() : new onnx::GraphProto));
        case Proto::FLOATS: return std::vector<float>(proto.floats().begin(), proto.floats().end());
        case Proto::INTS: return std::vector<std::int64_t>(proto.ints().begin(), proto.ints().end());
        case Proto::STRINGS: {
            auto& strings = *proto.mutable_strings();
            return std::vector<std::string>(std::make_move_iterator(strings.begin()), std::make_move_iterator(strings.end()));
        }
        case Proto::TENSORS: return take_tensors(proto, source);
        case Proto::GRAPHS: return take_graphs(proto, take_body);
        default: fail(codes::kInternal, "attribute type {}", static_cast<int>(type));
    }
}

/// Drops every value but what remains of a tensor, or of tensors: their names, documentation and unknown fields.
void clear_values(Proto& proto) {
    proto.clear_f();
    proto.clear_i();
    proto.clear_s();
    proto.clear_g();
    proto.clear_sparse_tensor();
    proto.clear_tp();
    proto.clear_floats();
    proto.clear_ints();
    proto.clear_strings();
    proto.clear_graphs();
    proto.clear_sparse_tensors();
    proto.clear_type_protos();
    proto.clear_type();
}

bool is_interpreted(Proto::AttributeType type) {
    return type != Proto::UNDEFINED && type != Proto::SPARSE_TENSOR && type != Proto::SPARSE_TENSORS && type != Proto::TYPE_PROTO &&
           type != Proto::TYPE_PROTOS;
}

/// Writes a value into a message from which clear_values() has removed the others.
struct ValueWriter {
    Proto& proto;
    const BodyWriter& write_body;

    void operator()(std::int64_t value) const { set(Proto::INT), proto.set_i(value); }
    void operator()(float value) const { set(Proto::FLOAT), proto.set_f(value); }
    void operator()(const std::string& value) const { set(Proto::STRING), proto.set_s(value); }
    void operator()(const Tensor& value) const {
        set(Proto::TENSOR);
        put_tensor(value, *proto.mutable_t());
    }
    void operator()(const std::vector<std::int64_t>& values) const {
        set(Proto::INTS);
        for (const std::int64_t value : values) proto.add_ints(value);
    }
    void operator()(const std::vector<float>& values) const {
        set(Proto::FLOATS);
        for (const float value : values) proto.add_floats(value);
    }
    void operator()(const std::vector<std::string>& values) const {
        set(Proto::STRINGS);
        for (const std::string& value : values) proto.add_strings(value);
    }
    void operator()(const std::vector<Tensor>& values) const {
        set(Proto::TENSORS);
        const auto count = static_cast<int>(values.size());
        if (proto.tensors_size() != count) proto.clear_tensors();
        for (int index = 0; index < count; ++index)
            put_tensor(values[static_cast<std::size_t>(index)],
                       index < proto.tensors_size() ? *proto.mutable_tensors(index) : *proto.add_tensors());
    }
    void operator()(const std::shared_ptr<Graph>& value) const {
        set(Proto::GRAPH);
        write_body(*value, *proto.mutable_g());
    }
    void operator()(const std::vector<std::shared_ptr<Graph>>& values) const {
        set(Proto::GRAPHS);
        for (const auto& value : values) write_body(*value, *proto.add_graphs());
    }
    void operator()(const OpaqueAttribute& value) const {
        proto.Clear();
        deserialize(proto, value.bytes);
    }

private:
    void set(Proto::AttributeType type) const {
        proto.set_type(type);
        if (type != Proto::TENSOR) proto.clear_t();
        if (type != Proto::TENSORS) proto.clear_tensors();
    }
};

}  // namespace

Attribute take_attribute(Proto& proto, const TensorSource& source, const BodyTaker& take_body) {
    Attribute attribute;
    const auto type = type_of(proto);
    attribute.name = proto.name();
    if (!proto.ref_attr_name().empty() && is_interpreted(type) && !present_types(proto).empty())
        refuse(proto, "holds a value and refers to a function's attribute");
    if (!proto.ref_attr_name().empty() || !is_interpreted(type)) {
        inline_external_data(proto, source);
        attribute.value = OpaqueAttribute{serialize(proto)};
        return attribute;
    }
    attribute.value =
        with_context([&] { return format("attribute '{}'", attribute.name); }, [&] { return take_value(proto, type, source, take_body); });
    proto.clear_name();
    clear_values(proto);
    if (proto.ByteSizeLong() > 0) attribute.extra = serialize(proto);
    return attribute;
}

void put_attribute(const Attribute& attribute, Proto& proto, const BodyWriter& write_body) {
    deserialize(proto, attribute.extra);
    clear_values(proto);
    std::visit(ValueWriter{proto, write_body}, attribute.value);
    proto.set_name(attribute.name);
}

}  // namespace mcompress
