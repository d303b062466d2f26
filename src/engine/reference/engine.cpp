// The reference engine: an interpreter over the reference kernels.
#include "engine/engine.h"

#include "engine/input_types.h"
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

class ReferencePlan : public ExecutionPlan {
public:
    ReferencePlan(const Graph& graph, const CompileOptions& options)
        : graph_(graph), threads_(options.threads), program_(graph, {}, {options.tapped.begin(), options.tapped.end()}) {
        for (const Node* node : program_.order()) steps_.push_back(describe(*node));
    }

    std::vector<RuntimeValue> run_values(std::span<const RuntimeValue> inputs, const Tap& tap) const override {
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
