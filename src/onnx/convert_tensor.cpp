#include "onnx/convert_tensor.h"

#include <bit>
#include <cstring>

#include "support/error.h"

namespace mcompress {

namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian and is used as it is");

enum class Field { Float, Int32, Int64, Double, UInt64, String };

/// The typed field that may hold elements of a type; the low `bytes` of an entry are stored. Types below 8 bits are packed into entries of a byte.
struct EncodingRow {
    DType dtype;
    Field field;
    std::size_t bytes;
};

constexpr EncodingRow kEncodings[] = {
    {DType::Float32, Field::Float, 4},    {DType::Complex64, Field::Float, 4},      {DType::Int32, Field::Int32, 4},
    {DType::Int16, Field::Int32, 2},      {DType::Int8, Field::Int32, 1},           {DType::UInt16, Field::Int32, 2},
    {DType::UInt8, Field::Int32, 1},      {DType::Bool, Field::Int32, 1},           {DType::Float16, Field::Int32, 2},
    {DType::BFloat16, Field::Int32, 2},   {DType::Float8E4M3FN, Field::Int32, 1},   {DType::Float8E4M3FNUZ, Field::Int32, 1},
    {DType::Float8E5M2, Field::Int32, 1}, {DType::Float8E5M2FNUZ, Field::Int32, 1}, {DType::Float8E8M0, Field::Int32, 1},
    {DType::UInt4, Field::Int32, 1},      {DType::Int4, Field::Int32, 1},           {DType::Float4E2M1, Field::Int32, 1},
    {DType::UInt2, Field::Int32, 1},      {DType::Int2, Field::Int32, 1},           {DType::Int64, Field::Int64, 8},
    {DType::Float64, Field::Double, 8},   {DType::Complex128, Field::Double, 8},    {DType::UInt32, Field::UInt64, 4},
    {DType::UInt64, Field::UInt64, 8},    {DType::String, Field::String, 0},
};

const EncodingRow& encoding_of(DType dtype) {
    for (const EncodingRow& row : kEncodings)
        if (row.dtype == dtype) return row;
    fail(codes::kInternal, "no encoding of {}", dtype_name(dtype));
}

[[noreturn]] void refuse(const std::string& message) { throw Error(codes::kTensorInvalid, message, "export the model again"); }

struct Header {
    DType dtype;
    Shape shape;
    std::size_t bytes;  // of the packed elements

    std::string describe() const { return format("shape {} of {}", shape.to_string(), dtype_name(dtype)); }
};

Header take_header(onnx::TensorProto& proto) {
    if (!is_known_dtype(proto.data_type()))
        refuse(format("data type {} is none of the types 1 to 26 that ONNX defines", proto.data_type()));
    Header header{static_cast<DType>(proto.data_type()), Shape(std::vector<std::int64_t>(proto.dims().begin(), proto.dims().end())), 0};
    const auto elements = header.shape.checked_element_count();
    if (!elements)
        refuse(format("shape {} has a negative dimension, more than 2^63 elements, or beside a dimension of 0 others of more than 2^31",
                      header.shape.to_string()));
    header.bytes = packed_byte_size(header.dtype, *elements);
    if (proto.has_segment()) refuse("is one segment of a larger tensor, which ONNX files do not use");
    proto.clear_dims();
    proto.clear_data_type();
    return header;
}

/// How many of the typed fields hold something.
int count_typed_fields(const onnx::TensorProto& proto) {
    return (proto.float_data_size() > 0 ? 1 : 0) + (proto.int32_data_size() > 0 ? 1 : 0) + (proto.int64_data_size() > 0 ? 1 : 0) +
           (proto.double_data_size() > 0 ? 1 : 0) + (proto.uint64_data_size() > 0 ? 1 : 0) + (proto.string_data_size() > 0 ? 1 : 0);
}

Tensor from_raw(const Header& header, std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner) {
    if (header.dtype == DType::String) refuse("holds strings in raw_data; they belong in string_data");
    if (bytes.size() != header.bytes) refuse(format("{} needs {} bytes, raw_data has {}", header.describe(), header.bytes, bytes.size()));
    if (owner) return Tensor::view(header.dtype, header.shape, owner, bytes.data(), bytes.size());
    return Tensor::from_bytes(header.dtype, header.shape, bytes);
}

/// The bytes that raw_data stands for.
std::span<const std::byte> raw_bytes(const onnx::TensorProto& proto, const TensorSource& source) {
    if (!proto.has_raw_data()) return {};
    if (!source.raw) return std::as_bytes(std::span(proto.raw_data()));
    std::uint64_t index = 0;
    MCOMPRESS_CHECK(proto.raw_data().size() == sizeof index);
    std::memcpy(&index, proto.raw_data().data(), sizeof index);
    return source.raw->at(index);
}

template <typename Entries> Tensor from_entries(const Header& header, const Entries& entries, std::size_t bytes_each) {
    const auto found = static_cast<std::size_t>(entries.size());
    // Divided, not multiplied: the shape may ask for anything.
    if (header.bytes % bytes_each != 0 || header.bytes / bytes_each != found)
        refuse(format("{} needs {} entries, found {}", header.describe(), header.bytes / bytes_each, found));
    Tensor tensor = Tensor::uninitialized(header.dtype, header.shape);
    std::byte* out = tensor.mutable_bytes();
    for (const auto& entry : entries) {
        std::memcpy(out, &entry, bytes_each);
        out += bytes_each;
    }
    if (header.dtype == DType::Bool) return Tensor::from_bytes(header.dtype, header.shape, {tensor.bytes(), header.bytes});
    return tensor;
}

Tensor from_string_entries(const Header& header, onnx::TensorProto& proto) {
    const std::int64_t wanted = header.shape.element_count();
    if (proto.string_data_size() != wanted)
        refuse(format("{} needs {} strings, found {}", header.describe(), wanted, proto.string_data_size()));
    std::vector<std::string> values;
    values.reserve(static_cast<std::size_t>(wanted));
    for (std::string& text : *proto.mutable_string_data()) values.push_back(std::move(text));
    return Tensor::from_strings(header.shape, std::move(values));
}

Tensor from_typed_field(const Header& header, onnx::TensorProto& proto) {
    const EncodingRow& row = encoding_of(header.dtype);
    switch (row.field) {
        case Field::Float: return from_entries(header, proto.float_data(), row.bytes);
        case Field::Int32: return from_entries(header, proto.int32_data(), row.bytes);
        case Field::Int64: return from_entries(header, proto.int64_data(), row.bytes);
        case Field::Double: return from_entries(header, proto.double_data(), row.bytes);
        case Field::UInt64: return from_entries(header, proto.uint64_data(), row.bytes);
        case Field::String: return from_string_entries(header, proto);
    }
    fail(codes::kInternal, "field of {}", dtype_name(header.dtype));
}

Tensor from_external(const Header& header, const onnx::TensorProto& proto, const TensorSource& source) {
    ExternalLocation where;
    for (const auto& entry : proto.external_data()) {
        if (entry.key() == "location") where.location = entry.value();
        if (entry.key() == "offset") where.offset = entry.value();
        if (entry.key() == "length") where.length = entry.value();
        if (entry.key() == "checksum") where.checksum = entry.value();
    }
    if (header.dtype == DType::String) refuse("holds strings in external data; they belong in string_data");
    if (!source.external) throw Error(codes::kExternalData, "names an external data file, but there is no model folder to look in");
    const ExternalFiles::Bytes found = source.external->find(where, header.bytes);
    return Tensor::view(header.dtype, header.shape, found.file, found.file->data() + found.offset, header.bytes);
}

void clear_contents(onnx::TensorProto& proto) {
    proto.clear_raw_data();
    proto.clear_float_data();
    proto.clear_int32_data();
    proto.clear_int64_data();
    proto.clear_double_data();
    proto.clear_uint64_data();
    proto.clear_string_data();
    proto.clear_external_data();
    proto.clear_data_location();
}

Tensor take(onnx::TensorProto& proto, const TensorSource& source) {
    const Header header = take_header(proto);
    const bool is_external = proto.data_location() == onnx::TensorProto::EXTERNAL;
    const std::span<const std::byte> raw = raw_bytes(proto, source);
    const int typed_fields = count_typed_fields(proto);
    if (typed_fields + (is_external ? 1 : 0) + (raw.empty() ? 0 : 1) > 1) refuse("holds its contents in more than one field");
    // An empty raw_data beside another field is what exporters without field presence write.
    const bool is_raw = !raw.empty() || (proto.has_raw_data() && typed_fields == 0 && header.dtype != DType::String);
    Tensor tensor = is_external ? from_external(header, proto, source)
                    : is_raw    ? from_raw(header, raw, source.owner)
                                : from_typed_field(header, proto);
    clear_contents(proto);
    return tensor;
}

}  // namespace

Tensor take_tensor(onnx::TensorProto& proto, const TensorSource& source) {
    return with_context([&] { return format("tensor '{}'", proto.name()); }, [&] { return take(proto, source); });
}

void put_tensor_header(const Tensor& tensor, onnx::TensorProto& proto) {
    proto.clear_dims();
    for (const std::int64_t dim : tensor.shape()) proto.add_dims(dim);
    proto.set_data_type(static_cast<std::int32_t>(tensor.dtype()));
}

void put_tensor(const Tensor& tensor, onnx::TensorProto& proto) {
    put_tensor_header(tensor, proto);
    clear_contents(proto);
    if (tensor.dtype() == DType::String) {
        for (const std::string& text : tensor.strings()) proto.add_string_data(text);
    } else {
        proto.set_raw_data(tensor.stored_bytes(), tensor.byte_size());
    }
}

}  // namespace mcompress
