// SequenceProto and OptionalProto → RuntimeValue.
#include <onnx/onnx-data_pb.h>

#include <climits>

#include "onnx/convert_tensor.h"
#include "onnx/load.h"
#include "support/error.h"
#include "support/file.h"

namespace mcompress {

namespace {

constexpr int kDeepestValue = 16;

class ValueReader {
public:
    explicit ValueReader(const TensorSource& source) : source_(source) {}

    // NOLINTNEXTLINE(misc-no-recursion): bounded by kDeepestValue
    RuntimeValue take(onnx::SequenceProto& proto, int depth) {
        check_depth(depth);
        std::vector<RuntimeValue> elements;
        switch (proto.elem_type()) {
            case onnx::SequenceProto::UNDEFINED: break;
            case onnx::SequenceProto::TENSOR:
                for (auto& tensor : *proto.mutable_tensor_values()) elements.emplace_back(take_tensor(tensor, source_));
                break;
            case onnx::SequenceProto::SEQUENCE:
                for (auto& sequence : *proto.mutable_sequence_values()) elements.push_back(take(sequence, depth + 1));
                break;
            case onnx::SequenceProto::OPTIONAL:
                for (auto& optional : *proto.mutable_optional_values()) elements.push_back(take(optional, depth + 1));
                break;
            default: refuse(proto.elem_type());
        }
        return RuntimeValue::sequence(std::move(elements));
    }

    // NOLINTNEXTLINE(misc-no-recursion): bounded by kDeepestValue
    RuntimeValue take(onnx::OptionalProto& proto, int depth) {
        check_depth(depth);
        if (proto.has_tensor_value()) return RuntimeValue::optional(take_tensor(*proto.mutable_tensor_value(), source_));
        if (proto.has_sequence_value()) return RuntimeValue::optional(take(*proto.mutable_sequence_value(), depth + 1));
        if (proto.has_optional_value()) return RuntimeValue::optional(take(*proto.mutable_optional_value(), depth + 1));
        if (proto.has_map_value() || proto.has_sparse_tensor_value()) refuse(proto.elem_type());
        return RuntimeValue::empty_optional();
    }

private:
    static void check_depth(int depth) {
        if (depth > kDeepestValue) fail(codes::kNestingTooDeep, "sequences are nested more than {} deep", kDeepestValue);
    }
    [[noreturn]] static void refuse(int kind) { fail(codes::kOperatorUnsupported, "values of kind {} cannot be used as data", kind); }

    const TensorSource& source_;
};

template <typename Proto> RuntimeValue load_message(const std::filesystem::path& path, std::string* name) {
    const auto file = MappedFile::open(path);
    Proto proto;
    if (file->size() > INT_MAX) fail(codes::kTooLarge, "{} bytes; protobuf's limit is 2 GiB", file->size());
    if (!proto.ParseFromArray(file->data(), static_cast<int>(file->size())))
        throw Error(codes::kModelTruncated, "the data cannot be parsed: it is damaged or of another kind", "");
    if (name) *name = proto.name();
    ExternalFiles external({path.parent_path()});
    const TensorSource source{nullptr, nullptr, &external};
    return ValueReader(source).take(proto, 0);
}

}  // namespace

RuntimeValue load_value(const std::filesystem::path& path, ValueType::Kind kind, std::string* name) {
    return with_context(format("while loading {}", path.string()), [&]() -> RuntimeValue {
        switch (kind) {
            case ValueType::Kind::Sequence: return load_message<onnx::SequenceProto>(path, name);
            case ValueType::Kind::Optional: return load_message<onnx::OptionalProto>(path, name);
            case ValueType::Kind::Unknown:
            case ValueType::Kind::Tensor: return load_tensor(path, name);
            case ValueType::Kind::SparseTensor:
            case ValueType::Kind::Map:
            case ValueType::Kind::Opaque: break;
        }
        fail(codes::kOperatorUnsupported, "only tensors, sequences and optionals can be used as data");
    });
}

}  // namespace mcompress
