#include "onnx/reduce.h"

#include <array>
#include <climits>
#include <cstdint>

#include "onnx/sniff.h"
#include "onnx/wire.h"
#include "support/error.h"
#include "support/process_limits.h"

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

// What one message of a kind costs once it is taken apart: its object of protobuf, and what the graph keeps of it.
constexpr std::array<std::uint32_t, 17> kBytesOfKind = [] {
    std::array<std::uint32_t, 17> bytes{};
    bytes.fill(120);
    bytes[static_cast<std::size_t>(Kind::Leaf)] = 0;
    bytes[static_cast<std::size_t>(Kind::Node)] = 900;
    bytes[static_cast<std::size_t>(Kind::Attribute)] = 450;
    bytes[static_cast<std::size_t>(Kind::Tensor)] = 700;
    bytes[static_cast<std::size_t>(Kind::ValueInfo)] = 350;
    return bytes;
}();
constexpr std::uint64_t kBytesOfText = 70;  // a string, beside its characters
constexpr std::uint64_t kBytesOfNumber = 16;
constexpr std::uint64_t kTextCopies = 3;     // as read, as parsed, as kept
constexpr std::uint64_t kNumberCopies = 10;  // of a byte of packed numbers: each can take one byte in the file and eight in memory

bool holds_packed_numbers(Kind kind, std::uint32_t field) {
    if (kind == Kind::Tensor) return field == 1 || field == 5 || field == 7 || field == 11;
    return kind == Kind::Attribute && field == 8;
}

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
                check_limits();
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
        count(frame.kind, *field, child.kind);
        if (frame.interpreted && frame.kind == Kind::Tensor && is_bytes && field->number == kRawDataField) {
            replace_raw_data(frame, *field);
            return;
        }
        const bool interpreted = frame.interpreted && child.interpreted;
        if (frame.interpreted && !interpreted && !is_over_)
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
        if (is_over_) return;
        append_bytes_header(stack_.back().out, done.number, done.out.size());
        stack_.back().out += done.out;
    }

    /// Adds up what the model will take in memory. Once that is too much, the walk only counts: nothing is copied any more.
    void count(Kind kind, const WireField& field, Kind child) {
        const std::uint64_t length = field.end - field.payload;
        if (child == Kind::Node) ++nodes_;
        if (child != Kind::Leaf) memory_ += kBytesOfKind[static_cast<std::size_t>(child)];
        else if (field.type != WireType::Bytes) memory_ += kBytesOfNumber;
        else if (holds_packed_numbers(kind, field.number)) memory_ += length * kNumberCopies;
        else if (kind != Kind::Tensor || field.number != kRawDataField || !stack_.back().interpreted)
            memory_ += kBytesOfText + length * kTextCopies;
        if (is_over_ || memory_ <= process_limits().memory) return;
        is_over_ = true;
        for (Frame& frame : stack_) std::string().swap(frame.out);
        result_ = {};
    }

    void check_limits() const {
        const ProcessLimits& limits = process_limits();
        if (nodes_ > limits.nodes)
            throw Error(codes::kTooLarge, format("the model has {} nodes; --max-nodes allows {}", nodes_, limits.nodes),
                        "raise --max-nodes, or split the model");
        if (is_over_)
            throw Error(codes::kTooLarge,
                        format("the model would take about {} MB of memory without its weights; the limit is {} MB", megabytes(memory_),
                               megabytes(limits.memory)),
                        "raise --max-memory if the model can be trusted, or use a smaller model");
    }

    static std::uint64_t megabytes(std::uint64_t bytes) { return (bytes + 999'999) / 1'000'000; }

    void replace_raw_data(Frame& frame, const WireField& field) {
        if (is_over_) return;
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
    std::uint64_t memory_ = 0;
    std::uint64_t nodes_ = 0;
    bool is_over_ = false;
    bool saw_graph_ = false;
    bool saw_foreign_field_ = false;
};

}  // namespace

ReducedMessage reduce_model(std::span<const std::byte> bytes) {
    refuse_other_formats(bytes);
    if (bytes.size() > INT_MAX)
        throw Error(codes::kModelInvalid,
                    format("the file has {} bytes; protobuf ends at 2 GiB, so that no runtime reads it", bytes.size()),
                    "export the model with external data");
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
