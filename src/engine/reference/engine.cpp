// The reference engine: an interpreter over the reference kernels.
#include "engine/engine.h"

#include "engine/reference/program.h"
#include "ops/cost.h"
#include "support/error.h"

namespace mcompress {

namespace {

using reference::Program;

std::string precision_name(const Node& node) {
    const Value* value = node.input(0) ? node.input(0) : node.output(0);
    if (!value || !value->type().is_tensor()) return "?";
    const DType dtype = value->type().dtype;
    const int bits = dtype_bits(dtype);
    if (dtype == DType::BFloat16) return "bf16";
    if (is_float(dtype) && bits >= 16) return format("f{}", bits);
    if (is_signed_integer(dtype)) return format("s{}", bits);
    if (is_unsigned_integer(dtype)) return format("u{}", bits);
    return std::string(dtype_name(dtype));
}

StepInfo describe(const Node& node) {
    StepInfo step;
    step.name = node.display_name();
    step.nodes = {&node};
    step.op = node.op_type();
    step.kernel = "reference:" + node.op_type();
    step.precision = precision_name(node);
    step.macs = count_macs(node).value_or(0);
    return step;
}

/// Checks what a caller hands in against what the graph declares.
void check_input(const Value& value, const Tensor& tensor) {
    const ValueType& type = value.type();
    if (type.kind != ValueType::Kind::Unknown && !type.is_tensor())
        fail(codes::kOperatorUnsupported, "input '{}' has type {}; only tensors can be executed", value.name(), type.to_string());
    const auto found = [&] { return ValueType::tensor(tensor.dtype(), tensor.shape()).to_string(); };
    bool fits = type.dtype == DType::Undefined || type.dtype == tensor.dtype();
    if (fits && type.has_rank()) {
        fits = type.rank() == tensor.shape().rank();
        for (int axis = 0; fits && axis < type.rank(); ++axis) {
            const Dim& dim = (*type.dims)[static_cast<std::size_t>(axis)];
            fits = !dim.is_known() || dim.extent() == tensor.shape()[axis];
        }
    }
    if (!fits) fail(codes::kDataMismatch, "input '{}' is {}, found {}", value.name(), type.to_string(), found());
}

class ReferencePlan : public ExecutionPlan {
public:
    ReferencePlan(const Graph& graph, const CompileOptions& options)
        : graph_(graph), threads_(options.threads), program_(graph, {}, {options.tapped.begin(), options.tapped.end()}) {
        for (const Node* node : program_.order()) steps_.push_back(describe(*node));
    }

    std::vector<Tensor> run(std::span<const Tensor> inputs, const Tap& tap) const override {
        for (std::size_t i = 0; i < inputs.size() && i < graph_.inputs().size(); ++i)
            if (inputs[i].defined()) check_input(*graph_.inputs()[i], inputs[i]);
        return program_.run(inputs, {}, threads_, tap);
    }

    std::span<const StepInfo> steps() const override { return steps_; }

private:
    const Graph& graph_;
    int threads_;
    Program program_;
    std::vector<StepInfo> steps_;
};

class ReferenceEngine : public Engine {
public:
    std::string_view name() const override { return "reference"; }
    std::unique_ptr<ExecutionPlan> compile(const Graph& graph, const CompileOptions& options) const override {
        reference::throw_if_unsupported(graph);
        return std::make_unique<ReferencePlan>(graph, options);
    }
};

}  // namespace

std::unique_ptr<Engine> make_reference_engine() { return std::make_unique<ReferenceEngine>(); }

}  // namespace mcompress
