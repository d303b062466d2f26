#include "data/npy_file.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "data/npy_header_parser.h"
#include "support/error.h"
#include "support/file.h"

namespace mcompress {

namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);

[[noreturn]] void fail_npy(std::string_view what, std::string_view problem) {
    throw Error(codes::kDataInvalid, format("{} {}", what, problem), "save it again with numpy.save");
}

struct NumpyType {
    std::string_view code;  // kind and bytes of one element
    DType dtype;
    int word_bytes;  // what a byte swap turns round
};

constexpr std::array<NumpyType, 14> kTypes{{
    {"f4", DType::Float32, 4},
    {"f8", DType::Float64, 8},
    {"f2", DType::Float16, 2},
    {"i1", DType::Int8, 1},
    {"i2", DType::Int16, 2},
    {"i4", DType::Int32, 4},
    {"i8", DType::Int64, 8},
    {"u1", DType::UInt8, 1},
    {"u2", DType::UInt16, 2},
    {"u4", DType::UInt32, 4},
    {"u8", DType::UInt64, 8},
    {"b1", DType::Bool, 1},
    {"c8", DType::Complex64, 4},
    {"c16", DType::Complex128, 8},
}};

const NumpyType& type_of(DType dtype, std::string_view what) {
    for (const NumpyType& row : kTypes)
        if (row.dtype == dtype) return row;
    throw Error(codes::kDataInvalid, format("{}: NumPy has no element type for {}", what, dtype_name(dtype)), "");
}

/// Sets dtype and endian from a descr such as "<f4".
void read_descr(NpyHeader& header, std::string_view descr, std::string_view what) {
    const std::string_view kind =
        descr.substr(descr.find_first_not_of("<>|=") == std::string_view::npos ? descr.size() : descr.find_first_not_of("<>|="));
    if (!kind.empty() && kind[0] == 'O')
        throw Error(codes::kDataInvalid,
                    format("{} holds Python objects (dtype {}), which are never loaded: they could run code", what, descr),
                    "save a numeric array, e.g. numpy.save(path, array.astype('float32'))");
    header.endian = !descr.empty() && descr[0] == '>' ? NpyHeader::Endian::Big : NpyHeader::Endian::Little;
    for (const NumpyType& row : kTypes)
        if (row.code == kind && descr.size() == kind.size() + 1) {
            header.dtype = row.dtype;
            return;
        }
    throw Error(codes::kDataInvalid, format("{} has elements of dtype '{}', which are not numbers mcompress knows", what, descr),
                "save a numeric array, e.g. numpy.save(path, array.astype('float32'))");
}

void swap_words(std::byte* data, std::size_t bytes, std::size_t word) {
    if (word < 2) return;
    for (std::size_t at = 0; at + word <= bytes; at += word) std::reverse(data + at, data + at + word);
}

/// Copies column-major elements of `element` bytes into row-major order.
void reorder(const std::byte* from, std::byte* to, const Shape& shape, std::size_t element) {
    const std::int64_t count = shape.element_count();
    if (count == 0) return;  // extents beside a 0 may have any product
    const int rank = shape.rank();
    std::vector<std::int64_t> index(static_cast<std::size_t>(rank), 0);
    std::vector<std::int64_t> strides(static_cast<std::size_t>(rank), 1);  // in the column-major source
    for (int axis = 1; axis < rank; ++axis)
        strides[static_cast<std::size_t>(axis)] = strides[static_cast<std::size_t>(axis - 1)] * shape[axis - 1];
    std::int64_t source = 0;
    for (std::int64_t at = 0; at < count; ++at) {
        std::memcpy(to + static_cast<std::size_t>(at) * element, from + static_cast<std::size_t>(source) * element, element);
        for (int axis = rank; axis-- > 0;) {
            const auto slot = static_cast<std::size_t>(axis);
            source += strides[slot];
            if (++index[slot] < shape[axis]) break;
            source -= index[slot] * strides[slot];
            index[slot] = 0;
        }
    }
}

}  // namespace

std::size_t NpyHeader::data_bytes() const { return packed_byte_size(dtype, shape.element_count()); }

NpyHeader parse_npy_header(std::span<const std::byte> bytes, std::string_view what) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (!text.starts_with(kMagic)) fail_npy(what, "is not a .npy file (the magic bytes are missing)");
    if (text.size() < 12) fail_npy(what, "ends inside its header");
    const auto byte = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>(text[at])); };
    const std::size_t version = byte(6);
    if (version < 1 || version > 3) fail_npy(what, format("has version {}, mcompress knows 1 to 3", version));
    const std::size_t prefix = version == 1 ? 10 : 12;
    const std::size_t length = byte(8) | byte(9) << 8 | (version == 1 ? 0 : byte(10) << 16 | byte(11) << 24);
    if (length > kMaxNpyHeader) fail_npy(what, format("claims a header of {} bytes", length));
    if (text.size() < prefix + length) fail_npy(what, "ends inside its header");
    const NpyFields fields = parse_npy_fields(text.substr(prefix, length), what);
    NpyHeader header;
    read_descr(header, fields.descr, what);
    header.shape = Shape(fields.shape);
    header.order = fields.is_fortran ? NpyHeader::Order::ColumnMajor : NpyHeader::Order::RowMajor;
    header.data_offset = prefix + length;
    const auto elements = header.shape.checked_element_count();
    if (!elements || *elements > INT64_MAX / 16) fail_npy(what, format("has an impossible shape {}", header.shape.to_string()));
    return header;
}

Tensor parse_npy(std::shared_ptr<const void> owner, std::span<const std::byte> bytes, std::string_view what) {
    const NpyHeader header = parse_npy_header(bytes, what);
    const std::size_t found = bytes.size() - header.data_offset;
    if (header.data_bytes() != found)
        fail_npy(what, format("says {} of shape {}, which takes {} bytes, but holds {}", dtype_name(header.dtype), header.shape.to_string(),
                              header.data_bytes(), found));
    const std::byte* data = bytes.data() + header.data_offset;
    const auto word = static_cast<std::size_t>(type_of(header.dtype, what).word_bytes);
    const bool is_reordered = header.order == NpyHeader::Order::ColumnMajor && header.shape.rank() > 1;
    const bool is_swapped = header.endian == NpyHeader::Endian::Big && word > 1;
    if (!is_reordered && !is_swapped) return Tensor::view(header.dtype, header.shape, std::move(owner), data, found);
    Tensor tensor = Tensor::uninitialized(header.dtype, header.shape);
    std::byte* target = tensor.mutable_bytes();
    if (is_reordered) reorder(data, target, header.shape, static_cast<std::size_t>(dtype_bits(header.dtype)) / 8);
    else if (found > 0) std::memcpy(target, data, found);
    if (is_swapped) swap_words(target, found, word);
    if (header.dtype == DType::Bool) return Tensor::from_bytes(header.dtype, header.shape, {tensor.bytes(), found});
    return tensor;
}

Tensor read_npy(const std::filesystem::path& path) {
    auto file = MappedFile::open(path);
    const std::span bytes(file->data(), file->size());
    return parse_npy(std::move(file), bytes, path.string());
}

std::string npy_header(DType dtype, const Shape& shape) {
    const NumpyType& type = type_of(dtype, "the array");
    std::string dims;
    for (const std::int64_t dim : shape) dims += format("{}{}", dims.empty() ? "" : ", ", dim);
    if (shape.rank() == 1) dims += ',';
    std::string header =
        format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}", dtype_bits(dtype) == 8 ? '|' : '<', type.code, dims);
    constexpr std::size_t kPrefix = 10;
    const std::size_t total = (kPrefix + header.size() + 1 + 63) / 64 * 64;
    header.resize(total - kPrefix - 1, ' ');
    header += '\n';
    if (header.size() > 0xFFFF) throw Error(codes::kDataInvalid, format("shape {} is too long for a .npy file", shape.to_string()), "");
    std::string result(kMagic);
    result += {'\x01', '\x00', static_cast<char>(header.size() & 0xFF), static_cast<char>(header.size() >> 8)};
    return result + header;
}

void write_npy(const std::filesystem::path& path, const Tensor& tensor) {
    AtomicFile file(path);
    file.write(npy_header(tensor.dtype(), tensor.shape()));
    file.write(tensor.bytes(), tensor.byte_size());
    file.commit();
}

}  // namespace mcompress
