#include "pack/tensor_spans.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "onnx/wire.h"
#include "tensor/dtype.h"

namespace mcompress {

namespace {

enum class Message { Model, Graph, Node, Attribute, Tensor, SparseTensor, Function };

/// Fields of onnx.proto that lead to tensors.
struct Edge {
    Message in;
    std::uint32_t field;
    Message to;
};

constexpr Edge kEdges[] = {
    {Message::Model, 7, Message::Graph},         {Message::Model, 25, Message::Function},
    {Message::Graph, 1, Message::Node},          {Message::Graph, 5, Message::Tensor},
    {Message::Graph, 15, Message::SparseTensor}, {Message::Function, 7, Message::Node},
    {Message::Node, 5, Message::Attribute},      {Message::Attribute, 5, Message::Tensor},
    {Message::Attribute, 6, Message::Graph},     {Message::Attribute, 10, Message::Tensor},
    {Message::Attribute, 11, Message::Graph},    {Message::Attribute, 22, Message::SparseTensor},
    {Message::SparseTensor, 1, Message::Tensor}, {Message::SparseTensor, 2, Message::Tensor},
};

// Fields of TensorProto.
constexpr std::uint32_t kDataType = 2, kFloatData = 4, kRawData = 9, kDoubleData = 10, kExternalData = 13;
constexpr std::uint32_t kKey = 1, kValue = 2;  // of StringStringEntryProto

struct Pending {
    Message message;
    std::size_t begin, end;
};

class Finder {
public:
    Finder(std::span<const std::byte> bytes, std::uint64_t smallest) : bytes_(bytes), smallest_(smallest) {}

    TensorSpans run() {
        pending_.push_back({Message::Model, 0, bytes_.size()});
        while (!pending_.empty()) {
            const Pending next = pending_.back();
            pending_.pop_back();
            if (next.message == Message::Tensor) look_at_tensor(next);
            else descend(next);
        }
        settle(found_.inside);
        for (auto& [location, spans] : found_.outside) settle(spans);
        return std::move(found_);
    }

private:
    template <typename Visit> void for_each_field(std::size_t begin, std::size_t end, Visit&& visit) const {
        for (std::size_t at = begin; at < end;) {
            const auto field = read_field(bytes_, at, end);
            if (!field) return;
            visit(*field);
            at = field->end;
        }
    }

    void descend(const Pending& message) {
        for_each_field(message.begin, message.end, [&](const WireField& field) {
            if (field.type != WireType::Bytes) return;
            for (const Edge& edge : kEdges)
                if (edge.in == message.message && edge.field == field.number) pending_.push_back({edge.to, field.payload, field.end});
        });
    }

    void look_at_tensor(const Pending& message) {
        std::uint32_t width = 1;
        std::optional<WireField> raw;
        std::string location, offset, length;
        for_each_field(message.begin, message.end, [&](const WireField& field) {
            if (field.number == kDataType && field.type == WireType::Varint) width = width_of(field.value);
            if (field.type != WireType::Bytes) return;
            if (field.number == kRawData) raw = field;
            if (field.number == kFloatData) add(found_.inside, {field.payload, field.end - field.payload, 4});
            if (field.number == kDoubleData) add(found_.inside, {field.payload, field.end - field.payload, 8});
            if (field.number == kExternalData) read_entry(field, location, offset, length);
        });
        if (raw) add(found_.inside, {raw->payload, raw->end - raw->payload, width});
        if (location.empty()) return;
        const auto begin = number(offset.empty() ? "0" : offset), size = number(length);
        if (begin && size) add(found_.outside[location], {*begin, *size, width});
    }

    static std::uint32_t width_of(std::uint64_t dtype) {
        if (dtype > 255 || !is_known_dtype(static_cast<int>(dtype))) return 1;
        const int bits = dtype_bits(static_cast<DType>(dtype));
        return bits == 16 || bits == 32 || bits == 64 ? static_cast<std::uint32_t>(bits / 8) : 1;
    }

    void read_entry(const WireField& entry, std::string& location, std::string& offset, std::string& length) const {
        std::string key, value;
        for_each_field(entry.payload, entry.end, [&](const WireField& field) {
            if (field.type != WireType::Bytes) return;
            const std::string text(reinterpret_cast<const char*>(bytes_.data()) + field.payload, field.end - field.payload);
            if (field.number == kKey) key = text;
            if (field.number == kValue) value = text;
        });
        if (key == "location") location = value;
        if (key == "offset") offset = value;
        if (key == "length") length = value;
    }

    static std::optional<std::uint64_t> number(const std::string& text) {
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
        return value;
    }

    void add(std::vector<TensorSpan>& spans, TensorSpan span) const {
        span.size -= span.size % span.width;
        if (span.size >= smallest_ && span.size > 0 && span.offset <= UINT64_MAX - span.size) spans.push_back(span);
    }

    static void settle(std::vector<TensorSpan>& spans) {
        std::sort(spans.begin(), spans.end(), [](const TensorSpan& a, const TensorSpan& b) { return a.offset < b.offset; });
        std::uint64_t end = 0;
        std::erase_if(spans, [&](const TensorSpan& span) {
            if (span.offset < end) return true;
            end = span.offset + span.size;
            return false;
        });
    }

    std::span<const std::byte> bytes_;
    std::uint64_t smallest_;
    std::vector<Pending> pending_;
    TensorSpans found_;
};

}  // namespace

TensorSpans find_tensor_spans(std::span<const std::byte> model, std::uint64_t smallest) { return Finder(model, smallest).run(); }

}  // namespace mcompress
