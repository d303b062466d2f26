// If, Loop and Scan. The bodies are run by the engine through KernelContext::bodies.
#include <algorithm>
#include <cstring>
#include <limits>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ir/graph.h"
#include "ops/control_flow.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

const BodyRunner& runner(const KernelContext& context) {
    MCOMPRESS_CHECK(context.bodies);
    return *context.bodies;
}

int body_index(const KernelContext& context, const Graph* body) {
    const auto graphs = context.node.subgraphs();
    return static_cast<int>(std::find(graphs.begin(), graphs.end(), body) - graphs.begin());
}

bool truth(const KernelContext& context, const Tensor& tensor) {
    if (tensor.dtype() != DType::Bool || tensor.element_count() != 1) context.reject("a condition must be one bool");
    return tensor.data<bool>()[0];
}

/// What must be a tensor although a body may give anything.
const Tensor& tensor(const KernelContext& context, const RuntimeValue& value) {
    if (!value.is_tensor() || !value.defined()) context.reject("a tensor is wanted where a body gives " + value.to_string());
    return value.tensor();
}

void hand_over(const KernelContext& context, std::vector<RuntimeValue> results) {
    if (results.size() < context.outputs.size())
        context.reject(format("a body gives {} values, the node has {} outputs", results.size(), context.outputs.size()));
    for (std::size_t i = 0; i < context.outputs.size(); ++i) context.set_value(static_cast<int>(i), std::move(results[i]));
}

void branch(const KernelContext& context) {
    const auto a = attrs<IfAttrs>(context.node);
    const Graph* body = truth(context, context.required(0)) ? a.then_branch : a.else_branch;
    hand_over(context, runner(context).run(body_index(context, body), {}));
}

/// The slices of one scan output, stacked when the loop is over.
class Stack {
public:
    Stack(const KernelContext& context, const Value& body_output) : context_(context), type_(body_output.type()) {}

    void push(Tensor slice) {
        if (!slices_.empty() && (slice.shape() != slices_[0].shape() || slice.dtype() != slices_[0].dtype()))
            context_.reject(format("a scan output changes from {} to {}", slices_[0].shape().to_string(), slice.shape().to_string()));
        slices_.push_back(std::move(slice));
        std::vector<std::int64_t> dims = slices_[0].shape().dims();
        dims.insert(dims.begin(), static_cast<std::int64_t>(slices_.size()));
        context_.check_size(slices_[0].dtype(), Shape(std::move(dims)));
    }
    void reverse() { std::reverse(slices_.begin(), slices_.end()); }

    /// The slices along a new axis; an empty tensor of the body's type when there are none.
    Tensor join(std::int64_t given_axis) const {
        if (slices_.empty()) {
            std::vector<std::int64_t> dims{0};
            for (const Dim& dim : type_.dims.value_or(Dims{})) dims.push_back(dim.is_known() ? dim.extent() : 0);
            return Tensor(type_.dtype == DType::Undefined ? DType::Float32 : type_.dtype, Shape(std::move(dims)));
        }
        const Shape& slice = slices_[0].shape();
        const int axis = checked_axis(context_, given_axis, slice.rank() + 1);
        std::vector<std::int64_t> dims = slice.dims();
        dims.insert(dims.begin() + axis, static_cast<std::int64_t>(slices_.size()));
        const std::int64_t outer = slice.product(0, axis);
        const std::size_t bytes = packed_byte_size(slices_[0].dtype(), slice.product(axis, slice.rank()));
        if (dtype_bits(slices_[0].dtype()) < 8) context_.reject_dtype(slices_[0].dtype());
        Tensor result = Tensor::uninitialized(slices_[0].dtype(), Shape(std::move(dims)));
        std::byte* to = result.mutable_bytes();
        for (std::int64_t o = 0; o < outer; ++o)
            for (const Tensor& part : slices_) to = std::copy_n(part.bytes() + static_cast<std::size_t>(o) * bytes, bytes, to);
        return result;
    }

private:
    const KernelContext& context_;
    const ValueType& type_;
    std::vector<Tensor> slices_;
};

/// Element `index` along an axis, without that axis.
Tensor take(const KernelContext& context, const Tensor& x, int axis, std::int64_t index) {
    std::vector<std::int64_t> dims = x.shape().dims();
    dims.erase(dims.begin() + axis);
    if (dtype_bits(x.dtype()) < 8) context.reject_dtype(x.dtype());
    Tensor result = Tensor::uninitialized(x.dtype(), Shape(std::move(dims)));
    const std::size_t bytes = packed_byte_size(x.dtype(), x.shape().product(axis + 1, x.shape().rank()));
    const std::int64_t outer = x.shape().product(0, axis);
    std::byte* to = result.mutable_bytes();
    for (std::int64_t o = 0; o < outer; ++o)
        to = std::copy_n(x.bytes() + static_cast<std::size_t>(o * x.shape()[axis] + index) * bytes, bytes, to);
    return result;
}

std::vector<Stack> make_stacks(const KernelContext& context, const Graph& body, std::size_t first) {
    std::vector<Stack> stacks;
    for (std::size_t i = first; i < body.outputs().size(); ++i) stacks.emplace_back(context, *body.outputs()[i]);
    return stacks;
}

/// Inputs: trip count, condition, carried values. Body: (iteration, condition, carried) → (condition, carried, scanned).
void loop(const KernelContext& context) {
    const Graph& body = *attrs<LoopAttrs>(context.node).body;
    const std::size_t carried_count = context.inputs.size() > 2 ? context.inputs.size() - 2 : 0;
    if (body.outputs().size() < carried_count + 1) context.reject("the body gives fewer values than are carried");
    const std::int64_t trips = context.has_input(0) ? integer(context, context.input(0)) : std::numeric_limits<std::int64_t>::max();
    bool goes_on = !context.has_input(1) || truth(context, context.input(1));
    const std::span<const RuntimeValue> given = context.values->inputs.last(carried_count);
    std::vector<RuntimeValue> carried(given.begin(), given.end());
    std::vector<Stack> stacks = make_stacks(context, body, carried_count + 1);
    for (std::int64_t i = 0; i < trips && goes_on; ++i) {
        std::vector<RuntimeValue> inputs{Tensor::scalar(i), Tensor::scalar(true)};
        inputs.insert(inputs.end(), carried.begin(), carried.end());
        std::vector<RuntimeValue> results = runner(context).run(0, inputs);
        goes_on = truth(context, tensor(context, results[0]));
        for (std::size_t k = 0; k < carried_count; ++k) carried[k] = std::move(results[k + 1]);
        for (std::size_t k = 0; k < stacks.size(); ++k) stacks[k].push(tensor(context, results[carried_count + 1 + k]));
    }
    for (const Stack& stack : stacks) carried.emplace_back(stack.join(0));
    hand_over(context, std::move(carried));
}

std::int64_t entry(const std::vector<std::int64_t>& list, std::size_t index) { return index < list.size() ? list[index] : 0; }

/// Inputs: states, then scanned tensors. Body: (states, slices) → (states, slices).
void scan(const KernelContext& context) {
    if (context.node.opset_version() < 9)
        fail(codes::kOperatorUnsupported, "node '{}': Scan of opset 8 (with a batch axis) cannot be executed", context.node.display_name());
    const auto a = attrs<ScanAttrs>(context.node);
    const auto scanned = static_cast<std::size_t>(std::max<std::int64_t>(0, a.num_scan_inputs));
    if (scanned < 1 || scanned > context.inputs.size()) context.reject(format("num_scan_inputs is {}", a.num_scan_inputs));
    const std::size_t states = context.inputs.size() - scanned;
    if (a.body->outputs().size() < states) context.reject("the body gives fewer values than there are states");
    std::vector<int> axes;
    std::int64_t length = -1;
    for (std::size_t i = 0; i < scanned; ++i) {
        const Shape& shape = context.required(static_cast<int>(states + i)).shape();
        axes.push_back(checked_axis(context, entry(a.input_axes, i), shape.rank()));
        if (length >= 0 && shape[axes[i]] != length) context.reject("the scanned inputs differ in length");
        length = shape[axes[i]];
    }
    const std::span<const RuntimeValue> given = context.values->inputs.first(states);
    std::vector<RuntimeValue> carried(given.begin(), given.end());
    std::vector<Stack> stacks = make_stacks(context, *a.body, states);
    for (std::int64_t step = 0; step < length; ++step) {
        std::vector<RuntimeValue> inputs = carried;
        for (std::size_t i = 0; i < scanned; ++i)
            inputs.emplace_back(take(context, context.input(static_cast<int>(states + i)), axes[i],
                                     entry(a.input_directions, i) == 0 ? step : length - 1 - step));
        std::vector<RuntimeValue> results = runner(context).run(0, inputs);
        for (std::size_t k = 0; k < states; ++k) carried[k] = std::move(results[k]);
        for (std::size_t k = 0; k < stacks.size(); ++k) stacks[k].push(tensor(context, results[states + k]));
    }
    for (std::size_t k = 0; k < stacks.size(); ++k) {
        if (entry(a.output_directions, k) != 0) stacks[k].reverse();
        carried.emplace_back(stacks[k].join(entry(a.output_axes, k)));
    }
    hand_over(context, std::move(carried));
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "If", branch, Carries::AnyValue},
    {"", "Loop", loop, Carries::AnyValue},
    {"", "Scan", scan, Carries::AnyValue},
};
// clang-format on

}  // namespace

std::span<const KernelRow> control_flow_kernels() { return kRows; }

}  // namespace mcompress::reference
