// An engine turns a graph into an execution plan for concrete input shapes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"
#include "tensor/runtime_value.h"
#include "tensor/tensor.h"

namespace mcompress {

/// In which type an engine may compute what the graph says in float32. BFloat16 keeps 8 bits of precision and needs a processor with
/// AVX512; sums are float32.
enum class ComputeType { Float32, BFloat16 };

/// How a tap gets at values. InOrder: row-major, and the tensor may be kept. Borrowed: the elements in whatever order they lie, in the plan's own
/// memory, which the next step may write over; costs nothing, and is enough for statistics. Writable: the same, and what the tap writes into
/// writable_values() is what the steps behind an Observe node read.
enum class TapAccess { InOrder, Borrowed, Writable };

/// The elements of a float32 tensor that a tap got with TapAccess::Writable.
std::span<float> writable_values(const Tensor& tensor);

struct CompileOptions {
    /// Shapes of the graph's inputs, by name. Needed for inputs whose type has unknown dimensions, and for those with a default that runs may give:
    /// the default of one that is not named here is a constant of the plan.
    std::map<std::string, Shape> input_shapes = {};
    /// Threads a run of the plan uses.
    int threads = 1;
    /// The reference engine computes in float32 whatever is asked.
    ComputeType compute = ComputeType::Float32;
    /// Values to hand to the tap besides what Observe nodes read; each then exists as a tensor at run time (this may split fused steps).
    std::vector<const Value*> tapped = {};
    /// The reference engine hands values over in order whatever is asked, and cannot have them written.
    TapAccess tap_access = TapAccess::InOrder;
};

/// What a step of a plan covers and what really runs.
struct StepInfo {
    std::string name;                // of the main node
    std::vector<const Node*> nodes;  // the nodes it covers, in order
    std::string op;                  // "Conv+Clip", "QuantizeLinear"
    std::string kernel;              // oneDNN implementation name ("brgconv:avx512_core_vnni") or "plain:<op>" or "reference:<op>"
    std::string precision;           // "f32", "u8s8", "s64", …: the precision in which it computes
    std::int64_t macs = 0;
};

/// Receives values while a plan runs: the value and its elements in plain row-major order (but see TapAccess). Called on the running thread.
/// Sequences and optionals are not handed over.
using Tap = std::function<void(const Value& value, const Tensor& tensor)>;

enum class StepTiming {
    InARow,     // each step again and again, so that what it reads is in the caches: its least time
    WithinRuns  // as it happens in whole runs: weights come from memory as they do then
};

class ExecutionPlan {
public:
    virtual ~ExecutionPlan() = default;
    /// Inputs in the order of Graph::inputs(), an undefined tensor where the graph's default is wanted. Returns the graph's outputs.
    /// Const: several threads may run one plan at the same time. Throws kDataMismatch when shapes or types are not those compiled for.
    std::vector<Tensor> run(std::span<const Tensor> inputs, const Tap& tap = {}) const;
    /// As above for graphs that take or give sequences or optionals; with run() such an output is an Error (kOperatorUnsupported).
    virtual std::vector<RuntimeValue> run_values(std::span<const RuntimeValue> inputs, const Tap& tap = {}) const = 0;
    virtual std::span<const StepInfo> steps() const = 0;
    /// Milliseconds of each of steps(), the median of `repeats` executions. Empty where an engine cannot tell.
    virtual std::vector<double> time_steps(std::span<const Tensor> /*inputs*/, int /*repeats*/, StepTiming /*timing*/) const { return {}; }
};

/// The graph must outlive the plan and stay unchanged. Throws kOperatorUnsupported naming node and operator.
class Engine {
public:
    virtual ~Engine() = default;
    virtual std::string_view name() const = 0;
    virtual std::unique_ptr<ExecutionPlan> compile(const Graph& graph, const CompileOptions& options) const = 0;
};

/// Clear loops, exact semantics of every operator; the oracle.
std::unique_ptr<Engine> make_reference_engine();
/// oneDNN primitives, plain kernels for what it lacks. Quantized groups run in int8.
std::unique_ptr<Engine> make_onednn_engine();

}  // namespace mcompress
