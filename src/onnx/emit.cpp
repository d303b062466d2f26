#include "onnx/emit.h"

#include <algorithm>
#include <climits>
#include <span>

#include "onnx/convert_tensor.h"
#include "onnx/emit_graph.h"
#include "onnx/wire.h"
#include "support/error.h"
#include "support/file.h"
#include "support/hash.h"
#include "support/sha256.h"

namespace mcompress {

namespace {

/// A serialized message in pieces: the structure is held, the contents of big tensors are only pointed at.
class WirePieces {
public:
    void add(std::string bytes) {
        size_ += bytes.size();
        if (!pieces_.empty() && pieces_.back().view.empty()) pieces_.back().bytes += bytes;
        else pieces_.push_back({std::move(bytes), {}});
    }
    void add_view(std::span<const std::byte> view) {
        size_ += view.size();
        if (!view.empty()) pieces_.push_back({{}, view});
    }
    void append(WirePieces other) {
        for (Piece& piece : other.pieces_) {
            if (piece.view.empty()) add(std::move(piece.bytes));
            else add_view(piece.view);
        }
    }
    std::uint64_t size() const { return size_; }

    template <typename Write> void write(Write&& write) const {
        for (const Piece& piece : pieces_) {
            if (piece.view.empty()) write(piece.bytes.data(), piece.bytes.size());
            else write(reinterpret_cast<const char*>(piece.view.data()), piece.view.size());
        }
    }

private:
    struct Piece {
        std::string bytes;
        std::span<const std::byte> view;  // used when not empty
    };
    std::vector<Piece> pieces_;
    std::uint64_t size_ = 0;
};

/// Where tensors go that leave the model file.
struct DataFile {
    std::string name;
    std::int64_t threshold = 0;          // in bytes
    std::vector<std::uint64_t> offsets;  // of each initializer that leaves, in order
    std::uint64_t end = 0;
};

bool leaves(const Tensor& tensor, std::int64_t threshold) {
    return tensor.dtype() != DType::String && tensor.byte_size() >= static_cast<std::uint64_t>(std::max<std::int64_t>(threshold, 1));
}

void add_external_entry(onnx::TensorProto& proto, const char* key, std::string value) {
    auto& entry = *proto.add_external_data();
    entry.set_key(key);
    entry.set_value(std::move(value));
}

/// One initializer of the main graph: field 5 of GraphProto.
void add_initializer(WirePieces& out, const Value& value, const std::uint64_t* offset, const std::string& file_name) {
    constexpr std::uint32_t kInitializerField = 5;
    constexpr std::uint32_t kRawDataField = 9;
    const Tensor& tensor = initializer_tensor(value);
    onnx::TensorProto proto;
    deserialize(proto, value.initializer_extra());
    proto.set_name(value.name());
    std::span<const std::byte> raw;
    std::string raw_header;
    if (tensor.dtype() == DType::String) {
        put_tensor(tensor, proto);
    } else {
        put_tensor_header(tensor, proto);
        if (offset) {
            proto.set_data_location(onnx::TensorProto::EXTERNAL);
            add_external_entry(proto, "location", file_name);
            add_external_entry(proto, "offset", std::to_string(*offset));
            add_external_entry(proto, "length", std::to_string(tensor.byte_size()));
        } else {
            raw = {tensor.stored_bytes(), tensor.byte_size()};
            append_bytes_header(raw_header, kRawDataField, raw.size());
        }
    }
    const std::string header = serialize(proto);
    std::string start;
    append_bytes_header(start, kInitializerField, header.size() + raw_header.size() + raw.size());
    out.add(start + header + raw_header);
    constexpr std::size_t kSmall = 4096;  // copied: a piece of its own costs more
    if (raw.size() <= kSmall) out.add(std::string(reinterpret_cast<const char*>(raw.data()), raw.size()));
    else out.add_view(raw);
}

void put_head(const Model& model, onnx::ModelProto& proto) {
    proto.set_ir_version(model.ir_version);
    if (!model.producer_name.empty()) proto.set_producer_name(model.producer_name);
    if (!model.producer_version.empty()) proto.set_producer_version(model.producer_version);
    if (!model.domain.empty()) proto.set_domain(model.domain);
    if (model.model_version != 0) proto.set_model_version(model.model_version);
    if (!model.doc_string.empty()) proto.set_doc_string(model.doc_string);
}

void put_tail(const Model& model, onnx::ModelProto& proto) {
    deserialize(proto, model.extra);
    for (const auto& [domain, version] : *model.opset_imports) {
        auto& import = *proto.add_opset_import();
        import.set_domain(domain);
        import.set_version(version);
    }
    for (const auto& [key, value] : model.metadata) {
        auto& entry = *proto.add_metadata_props();
        entry.set_key(key);
        entry.set_value(value);
    }
    for (const Function& function : model.functions) deserialize(*proto.add_functions(), function.bytes);
}

/// The model in pieces, fields in the order of their numbers (initializers where GraphProto has them).
WirePieces serialize_model(const Model& model, const DataFile* data) {
    constexpr std::uint32_t kGraphField = 7;
    WirePieces before;
    WirePieces initializers;
    {
        onnx::GraphProto nodes;
        put_nodes(*model.graph, nodes);
        before.add(serialize(nodes));
    }
    std::size_t external = 0;
    for (const Value* value : initializers_of(*model.graph)) {
        const bool is_external = data && leaves(initializer_tensor(*value), data->threshold);
        add_initializer(initializers, *value, is_external ? &data->offsets.at(external++) : nullptr, data ? data->name : std::string());
    }
    onnx::GraphProto surroundings;
    put_surroundings(*model.graph, model.ir_version, surroundings);
    const std::string after = serialize(surroundings);

    onnx::ModelProto head;
    put_head(model, head);
    onnx::ModelProto tail;
    put_tail(model, tail);
    WirePieces out;
    std::string start = serialize(head);
    append_bytes_header(start, kGraphField, before.size() + initializers.size() + after.size());
    out.add(std::move(start));
    for (WirePieces* pieces : {&before, &initializers}) out.append(std::move(*pieces));
    out.add(after + serialize(tail));
    return out;
}

void refuse_private_operators(const Model& model) {
    std::string found;
    for_each_graph(*model.graph, [&](Graph& graph) {
        for (const Node* node : graph.nodes())
            if (node->domain() == "mcompress")
                found += format("{}'{}' ({})", found.empty() ? "" : ", ", node->display_name(), node->op_type());
    });
    if (!found.empty())
        throw Error(codes::kPrivateOperator, format("these nodes have no meaning outside mcompress: {}", found),
                    "run the pass that replaces them");
}

/// Big tensors begin on a page, so that a reader can map them; others on a cache line.
std::uint64_t aligned_offset(std::uint64_t offset, std::size_t bytes) {
    const std::uint64_t alignment = bytes >= (std::size_t{1} << 20) ? 4096 : 64;
    return (offset + alignment - 1) / alignment * alignment;
}

/// Whether the contents are looked at, for a name that tells them apart, or only how much they are.
enum class Naming { ByContents, Unknown };

DataFile plan_data_file(const Model& model, const std::filesystem::path& path, std::int64_t threshold, Naming naming) {
    DataFile data;
    data.threshold = threshold;
    Hasher hasher;
    std::uint64_t& end = data.end;
    for (const Value* value : initializers_of(*model.graph)) {
        const Tensor& tensor = initializer_tensor(*value);
        if (!leaves(tensor, threshold)) continue;
        data.offsets.push_back(aligned_offset(end, tensor.byte_size()));
        end = data.offsets.back() + tensor.byte_size();
        if (naming == Naming::Unknown) continue;
        hasher.add_integer(static_cast<std::int64_t>(data.offsets.back()));
        hasher.add_bytes(tensor.stored_bytes(), tensor.byte_size());
    }
    if (data.offsets.empty()) return data;
    data.name = path.stem().string() + "-" + (naming == Naming::Unknown ? "<digest>" : hasher.hex_digest().substr(0, 8)) + ".onnx.data";
    return data;
}

std::uint64_t write_data_file(const Model& model, const DataFile& data, const std::filesystem::path& path, Sha256* digest) {
    AtomicFile file(path);
    const auto write = [&](const void* bytes, std::size_t size) {
        file.write(bytes, size);
        if (digest) digest->add_bytes(bytes, size);
    };
    std::size_t index = 0;
    for (const Value* value : initializers_of(*model.graph)) {
        const Tensor& tensor = initializer_tensor(*value);
        if (!leaves(tensor, data.threshold)) continue;
        const std::string padding(static_cast<std::size_t>(data.offsets.at(index++) - file.bytes_written()), '\0');
        write(padding.data(), padding.size());
        write(tensor.stored_bytes(), tensor.byte_size());
    }
    file.commit();
    return file.bytes_written();
}

[[noreturn]] void fail_too_large(std::uint64_t size) {
    throw Error(codes::kTooLarge, format("the model takes {} bytes in one file; protobuf's limit is 2 GiB", size),
                "weights inside nodes and bodies cannot be moved to a data file: turn them into initializers");
}

}  // namespace

EmitResult emit_model(const Model& model, const std::filesystem::path& path, const EmitOptions& options) {
    refuse_private_operators(model);
    EmitResult result;
    WirePieces pieces = serialize_model(model, nullptr);
    DataFile data;
    const std::uint64_t stamp_bytes = options.stamp ? stamp_fields(seal(*options.stamp, sha256_hex(""))).size() : 0;
    if (options.external_data == ExternalData::Always || pieces.size() + stamp_bytes > options.single_file_limit) {
        data = plan_data_file(model, path, options.external_threshold, options.planned ? Naming::Unknown : Naming::ByContents);
        if (!data.offsets.empty()) {
            pieces = serialize_model(model, &data);
            result.data_file = path.parent_path() / data.name;
        }
        if (pieces.size() + stamp_bytes > options.single_file_limit) fail_too_large(pieces.size());
    }
    if (options.planned) {
        if (!data.offsets.empty()) options.planned->files.push_back({result.data_file, data.end});
        options.planned->files.push_back({path, pieces.size() + stamp_bytes});
        result.bytes = options.planned->bytes();
        return result;
    }
    Sha256 digest;
    if (options.stamp) pieces.write([&](const char* bytes, std::size_t size) { digest.add_bytes(bytes, size); });
    if (!data.offsets.empty()) result.bytes += write_data_file(model, data, result.data_file, options.stamp ? &digest : nullptr);
    if (options.stamp) pieces.add(stamp_fields(seal(*options.stamp, digest.hex_digest())));
    AtomicFile file(path);
    pieces.write([&](const char* bytes, std::size_t size) { file.write(bytes, size); });
    file.commit();
    result.bytes += file.bytes_written();
    return result;
}

std::string emit_model_bytes(const Model& model) {
    refuse_private_operators(model);
    const WirePieces pieces = serialize_model(model, nullptr);
    if (pieces.size() > INT_MAX) fail_too_large(pieces.size());
    std::string bytes;
    bytes.reserve(static_cast<std::size_t>(pieces.size()));
    pieces.write([&](const char* part, std::size_t size) { bytes.append(part, size); });
    return bytes;
}

}  // namespace mcompress
