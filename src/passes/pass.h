// A pass rewrites a graph in place.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"
#include "tensor/tensor.h"

namespace mcompress {

/// Why a candidate was left as it was. Reasons are data: they answer "why was this layer not quantized?" in the report.
struct Skip {
    std::string node;    // display name
    std::string op;      // operator type
    std::string reason;  // a complete clause, e.g. "its weight is not a constant"
};

struct PassResult {
    int rewrites = 0;
    std::vector<Skip> skipped;
};

class Pass {
public:
    virtual ~Pass() = default;
    /// The kebab-case verb-object name: "fuse-conv-bn".
    virtual std::string_view name() const = 0;
    virtual PassResult run(Graph& graph) = 0;
    /// Whether it computes values of the model: what these contradict was wrong in the model all along.
    virtual bool evaluates() const { return false; }
};

/// Evaluates one deterministic node on constant inputs; nothing when it cannot (no kernel, or an error in the data).
/// Bound to an engine by the pipeline: passes know no engine.
using Evaluator = std::function<std::optional<std::vector<Tensor>>(const Node& node, std::span<const Tensor> inputs)>;

}  // namespace mcompress
