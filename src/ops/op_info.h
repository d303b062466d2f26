// The op table: one row an operator and version. Everything mcompress knows about operators is in these rows.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/node.h"
#include "ops/integer_values.h"

namespace mcompress {

struct IntegersSource;

/// What type and shape inference sees of a node, and where it puts what it found.
class InferContext {
public:
    /// `integers[i]`, when given, is what is known of the elements of a small integer input; `body_types` the output types of the node's bodies,
    /// body by body in the order of Node::subgraphs().
    InferContext(const Node& node, std::span<const ValueType> inputs, std::span<const Tensor* const> constants,
                 std::span<const IntegerValues* const> integers = {}, std::span<const std::vector<ValueType>> body_types = {});

    const Node& node() const { return node_; }
    int opset() const { return node_.opset_version(); }
    int input_count() const { return static_cast<int>(inputs_.size()); }
    int output_count() const { return static_cast<int>(outputs_.size()); }
    bool has_input(int index) const;
    /// The type of an input; an unknown type for an absent one.
    const ValueType& input(int index) const;
    /// The value of an input that is known before execution, or null.
    const Tensor* constant(int index) const;
    /// As above for integer tensors (int32 and int64), as int64.
    std::optional<std::vector<std::int64_t>> constant_integers(int index) const;
    std::optional<std::vector<std::int64_t>> constant_integers(const IntegersSource& source) const;
    /// What is known, element by element, of an integer vector or scalar that holds sizes; nothing when its length is not known.
    std::optional<std::vector<IntegerValue>> sizes(int index) const;
    /// Output types of one of the node's bodies; empty when they are not known.
    std::span<const ValueType> body_types(std::size_t body) const;

    void set_output(int index, ValueType type);
    std::vector<ValueType>& outputs() { return outputs_; }

    /// The node breaks a rule of its operator: throws kShapeInvalid; infer_node adds the node's name.
    [[noreturn]] void reject(std::string problem) const;

private:
    const Node& node_;
    std::span<const ValueType> inputs_;
    std::span<const Tensor* const> constants_;
    std::span<const IntegerValues* const> integers_;
    std::span<const std::vector<ValueType>> body_types_;
    std::vector<ValueType> outputs_;
};

using InferFunction = void (*)(InferContext&);
/// Multiply-accumulates of one application, for fully known shapes of every present tensor.
using MacsFunction = std::int64_t (*)(const Node&, std::span<const ValueType> inputs, std::span<const ValueType> outputs);
/// Reads and checks the typed attributes; throws kAttributeInvalid.
using CheckFunction = void (*)(const Node&);

/// How an output relates to input 0, for passes that carry quantization parameters or channels through.
enum class DataFlow {
    Computes,  // values are new
    Selects,   // every output element is one of the inputs' elements (or a constant fill for Pad): MaxPool, Reshape, Transpose, Concat …
    Elementwise  // one output element from the elements at the same (broadcast) place
};

enum class Determinism { Deterministic, Random };

struct OpInfo {
    std::string_view domain;  // "" is ai.onnx
    std::string_view type;
    int since_version;
    int min_inputs;
    int max_inputs;  // kVariadic: no bound
    int min_outputs;
    int max_outputs;
    InferFunction infer;
    CheckFunction check = nullptr;
    MacsFunction macs = nullptr;
    DataFlow data_flow = DataFlow::Computes;
    Determinism determinism = Determinism::Deterministic;
};

inline constexpr int kVariadic = 1 << 30;

/// The row in force for a node: the newest version not above its opset. Null for an operator the table does not know; it stays opaque.
const OpInfo* op_info(const Node& node);
const OpInfo* find_op(std::string_view domain, std::string_view type, int opset_version);
/// All rows, sorted by domain, type and version.
std::span<const OpInfo> all_ops();

/// The newest ai.onnx opset whose operators the table was written for.
inline constexpr int kNewestOpset = 24;

}  // namespace mcompress
