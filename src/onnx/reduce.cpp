#include "onnx/reduce.h"

#include <array>
#include <cstdint>

#include "onnx/sniff.h"
#include "onnx/wire.h"
#include "support/error.h"

namespace mcompress {

namespace {

enum class Kind : std::uint8_t {
    Leaf,
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Sparse,
    ValueInfo,
    Type,
    TypeTensor,
    TypeNested,
    TypeMap,
    Shape,
    Annotation,
    Training,
    Function,
    Entry
};

struct Row {
    Kind parent;
    std::uint32_t field;
    Kind child;
    bool interpreted;  // the IR takes the child apart, so its tensors are reduced
};

// Every field of onnx.proto that holds a message.
constexpr Row kRows[] = {
    {Kind::Model, 7, Kind::Graph, true},        {Kind::Model, 8, Kind::Entry, false},      {Kind::Model, 14, Kind::Entry, false},
    {Kind::Model, 20, Kind::Training, false},   {Kind::Model, 25, Kind::Function, false},  {Kind::Graph, 1, Kind::Node, true},
    {Kind::Graph, 5, Kind::Tensor, true},       {Kind::Graph, 15, Kind::Sparse, false},    {Kind::Graph, 11, Kind::ValueInfo, false},
    {Kind::Graph, 12, Kind::ValueInfo, false},  {Kind::Graph, 13, Kind::ValueInfo, false}, {Kind::Graph, 14, Kind::Annotation, false},
    {Kind::Node, 5, Kind::Attribute, true},     {Kind::Attribute, 5, Kind::Tensor, true},  {Kind::Attribute, 10, Kind::Tensor, true},
    {Kind::Attribute, 6, Kind::Graph, true},    {Kind::Attribute, 11, Kind::Graph, true},  {Kind::Attribute, 22, Kind::Sparse, false},
    {Kind::Attribute, 23, Kind::Sparse, false}, {Kind::Attribute, 14, Kind::Type, false},  {Kind::Attribute, 15, Kind::Type, false},
    {Kind::Tensor, 3, Kind::Entry, false},      {Kind::Tensor, 13, Kind::Entry, false},    {Kind::Sparse, 1, Kind::Tensor, false},
    {Kind::Sparse, 2, Kind::Tensor, false},     {Kind::ValueInfo, 2, Kind::Type, false},   {Kind::Type, 1, Kind::TypeTensor, false},
    {Kind::Type, 8, Kind::TypeTensor, false},   {Kind::Type, 4, Kind::TypeNested, false},  {Kind::Type, 9, Kind::TypeNested, false},
    {Kind::Type, 5, Kind::TypeMap, false},      {Kind::TypeNested, 1, Kind::Type, false},  {Kind::TypeMap, 2, Kind::Type, false},
    {Kind::TypeTensor, 2, Kind::Shape, false},  {Kind::Shape, 1, Kind::Entry, false},      {Kind::Annotation, 2, Kind::Entry, false},
    {Kind::Training, 1, Kind::Graph, false},    {Kind::Training, 2, Kind::Graph, false},   {Kind::Training, 3, Kind::Entry, false},
    {Kind::Training, 4, Kind::Entry, false},    {Kind::Function, 7, Kind::Node, false},    {Kind::Function, 9, Kind::Entry, false},
};

constexpr std::uint32_t kFields = 32;
constexpr std::uint32_t kRawDataField = 9;
constexpr std::size_t kMostNested = 100;  // protobuf's own limit, which every other reader of the model has too

struct Child {
    Kind kind = Kind::Leaf;
    bool interpreted = false;
};

constexpr auto kChildren = [] {
    std::array<std::array<Child, kFields>, 17> table{};
    for (const Row& row : kRows) table[static_cast<std::size_t>(row.parent)][row.field] = {row.child, row.interpreted};
    return table;
}();

const char* kind_name(Kind kind) {
    constexpr std::array kNames{"a field",
                                "the model",
                                "a graph",
                                "a node",
                                "an attribute",
                                "a tensor",
                                "a sparse tensor",
                                "a value's description",
                                "a type",
                                "a type",
                                "a type",
                                "a type",
                                "a shape",
                                "a quantization annotation",
                                "training information",
                                "a function",
                                "an entry"};
    return kNames[static_cast<std::size_t>(kind)];
}

struct Frame {
    Kind kind;
    bool interpreted;
    std::uint32_t number;  // in the parent
    std::size_t at;
    std::size_t end;
    std::string out;
};

class Reducer {
public:
    Reducer(std::span<const std::byte> bytes, Kind root) : bytes_(bytes) { stack_.push_back({root, true, 0, 0, bytes.size(), {}}); }

    ReducedMessage run() {
        while (true) {
            if (stack_.back().at < stack_.back().end) {
                step();
            } else if (stack_.size() > 1) {
                close();
            } else {
                result_.bytes = std::move(stack_.back().out);
                return std::move(result_);
            }
        }
    }

    /// What the walk has met among the model's own fields.
    bool saw_graph() const { return saw_graph_; }
    bool saw_foreign_field() const { return saw_foreign_field_; }

private:
    void step() {
        Frame& frame = stack_.back();
        const auto field = read_field(bytes_, frame.at, frame.end);
        if (!field) fail_damaged(frame);
        frame.at = field->end;
        if (frame.kind == Kind::Model) note_model_field(*field);
        const bool is_bytes = field->type == WireType::Bytes;
        const Child child = is_bytes && field->number < kFields ? kChildren[static_cast<std::size_t>(frame.kind)][field->number] : Child{};
        if (frame.interpreted && frame.kind == Kind::Tensor && is_bytes && field->number == kRawDataField) {
            replace_raw_data(frame, *field);
            return;
        }
        const bool interpreted = frame.interpreted && child.interpreted;
        if (frame.interpreted && !interpreted)
            frame.out.append(reinterpret_cast<const char*>(bytes_.data()) + field->begin, field->end - field->begin);
        if (child.kind == Kind::Leaf) return;
        if (stack_.size() > kMostNested)
            throw Error(codes::kNestingTooDeep,
                        format("messages are nested more than {} deep, which no protobuf reader accepts", kMostNested),
                        "subgraphs can be about 31 deep; flatten the model");
        stack_.push_back({child.kind, interpreted, field->number, field->payload, field->end, {}});
    }

    void close() {
        const Frame done = std::move(stack_.back());
        stack_.pop_back();
        if (!done.interpreted) return;
        append_bytes_header(stack_.back().out, done.number, done.out.size());
        stack_.back().out += done.out;
    }

    void replace_raw_data(Frame& frame, const WireField& field) {
        append_bytes_header(frame.out, kRawDataField, 8);
        for (int shift = 0; shift < 64; shift += 8) frame.out += static_cast<char>(std::uint64_t{result_.raw.size()} >> shift & 0xff);
        result_.raw.push_back(bytes_.subspan(field.payload, field.end - field.payload));
    }

    void note_model_field(const WireField& field) {
        constexpr std::uint64_t kVarints = 1u << 1 | 1u << 5;
        constexpr std::uint64_t kLengths =
            1u << 2 | 1u << 3 | 1u << 4 | 1u << 6 | 1u << 7 | 1u << 8 | 1u << 14 | 1u << 20 | 1u << 25 | 1u << 26;
        const std::uint64_t bit = field.number < kFields ? std::uint64_t{1} << field.number : 0;
        const bool is_own = (field.type == WireType::Varint && (kVarints & bit)) || (field.type == WireType::Bytes && (kLengths & bit));
        if (!is_own) saw_foreign_field_ = true;
        if (is_own && field.number == 7) saw_graph_ = true;
    }

    [[noreturn]] void fail_damaged(const Frame& frame) const {
        throw Error(
            codes::kModelTruncated,
            format("{} cannot be read at byte {} of {}: the file is cut off or damaged", kind_name(frame.kind), frame.at, bytes_.size()),
            "download or export the file again");
    }

    std::span<const std::byte> bytes_;
    std::vector<Frame> stack_;
    ReducedMessage result_;
    bool saw_graph_ = false;
    bool saw_foreign_field_ = false;
};

}  // namespace

ReducedMessage reduce_model(std::span<const std::byte> bytes) {
    refuse_other_formats(bytes);
    Reducer reducer(bytes, Kind::Model);
    const auto refuse = [] {
        throw Error(codes::kNotOnnx, "the bytes do not form an ONNX model", "pass a .onnx file; other formats have to be converted first");
    };
    try {
        ReducedMessage reduced = reducer.run();
        if (reducer.saw_graph()) return reduced;
    } catch (const Error& error) {
        // Bytes that never looked like a model are no damaged model.
        if (std::string_view(error.code().id) != codes::kModelTruncated.id || (!reducer.saw_foreign_field() && looks_like_model(bytes)))
            throw;
        refuse();
    }
    if (reducer.saw_foreign_field()) refuse();
    throw Error(codes::kModelInvalid, "the model has no graph: the file is cut off, or it is another protobuf file",
                "export the model again");
}

ReducedMessage reduce_tensor(std::span<const std::byte> bytes) { return Reducer(bytes, Kind::Tensor).run(); }

}  // namespace mcompress
