// If, Loop and Scan. The bodies are run by the engine through KernelContext::bodies.
#include <algorithm>
#include <limits>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/pieces.h"
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
        if (!slices_.empty()) return stack(context_, slices_, checked_axis(context_, given_axis, slices_[0].shape().rank() + 1));
        std::vector<std::int64_t> dims{0};
        for (const Dim& dim : type_.dims.value_or(Dims{})) dims.push_back(dim.is_known() ? dim.extent() : 0);
        return Tensor(type_.dtype == DType::Undefined ? DType::Float32 : type_.dtype, Shape(std::move(dims)));
    }

private:
    const KernelContext& context_;
    const ValueType& type_;
    std::vector<Tensor> slices_;
};

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

/// The scanned inputs of a Scan, and where their slices lie.
struct Scanned {
    std::vector<Tensor> tensors;
    std::vector<int> axes;
};

/// The extent that all scanned inputs have at one of their axes.
std::int64_t common_extent(const KernelContext& context, const Scanned& scanned, std::span<const int> axes) {
    const std::int64_t extent = scanned.tensors[0].shape()[axes[0]];
    for (std::size_t i = 1; i < scanned.tensors.size(); ++i)
        if (scanned.tensors[i].shape()[axes[i]] != extent) context.reject("the scanned inputs differ in length");
    return extent;
}

/// Body: (states, slices) → (states, slices). `carried` are the states, before and after; what is scanned out comes back.
std::vector<Stack> run_steps(const KernelContext& context, const ScanAttrs& a, const Scanned& scanned, std::int64_t length,
                             std::vector<RuntimeValue>& carried) {
    const std::size_t states = carried.size();
    std::vector<Stack> stacks = make_stacks(context, *a.body, states);
    for (std::int64_t step = 0; step < length; ++step) {
        std::vector<RuntimeValue> inputs = carried;
        for (std::size_t i = 0; i < scanned.tensors.size(); ++i)
            inputs.emplace_back(take(scanned.tensors[i], scanned.axes[i], entry(a.input_directions, i) == 0 ? step : length - 1 - step));
        std::vector<RuntimeValue> results = runner(context).run(0, inputs);
        for (std::size_t k = 0; k < states; ++k) carried[k] = std::move(results[k]);
        for (std::size_t k = 0; k < stacks.size(); ++k) stacks[k].push(tensor(context, results[states + k]));
    }
    return stacks;
}

/// Inputs: states, then scanned tensors.
void scan(const KernelContext& context, const ScanAttrs& a, std::size_t states) {
    Scanned scanned;
    for (std::size_t i = states; i < context.inputs.size(); ++i) {
        scanned.tensors.push_back(context.required(static_cast<int>(i)));
        scanned.axes.push_back(checked_axis(context, entry(a.input_axes, i - states), scanned.tensors.back().shape().rank()));
    }
    const std::span<const RuntimeValue> given = context.values->inputs.first(states);
    std::vector<RuntimeValue> carried(given.begin(), given.end());
    std::vector<Stack> stacks = run_steps(context, a, scanned, common_extent(context, scanned, scanned.axes), carried);
    for (std::size_t k = 0; k < stacks.size(); ++k) {
        if (entry(a.output_directions, k) != 0) stacks[k].reverse();
        carried.emplace_back(stacks[k].join(entry(a.output_axes, k)));
    }
    hand_over(context, std::move(carried));
}

/// How many steps each sample of a batch takes.
std::vector<std::int64_t> sequence_lengths(const KernelContext& context, std::int64_t batch, std::int64_t longest) {
    context.check_size(DType::Int64, Shape{batch});
    if (!context.has_input(0)) return std::vector<std::int64_t>(static_cast<std::size_t>(batch), longest);
    std::vector<std::int64_t> lengths = integers(context, context.input(0));
    const auto fits = [&](std::int64_t length) { return length >= 0 && length <= longest; };
    if (static_cast<std::int64_t>(lengths.size()) != batch || !std::all_of(lengths.begin(), lengths.end(), fits))
        context.reject(format("sequence_lens must hold {} lengths of 0 to {}", batch, longest));
    return lengths;
}

/// The results of the samples along a new first axis, shorter ones with zeros behind. Where a sample took no step, zeros stand for it.
Tensor stack_samples(const KernelContext& context, std::vector<Tensor> samples, const std::vector<std::int64_t>& lengths,
                     std::int64_t longest) {
    const auto full = std::find_if(lengths.begin(), lengths.end(), [](std::int64_t length) { return length > 0; });
    const Tensor shown = samples[full == lengths.end() ? 0 : static_cast<std::size_t>(full - lengths.begin())];
    for (std::size_t b = 0; b < samples.size(); ++b)
        samples[b] = pad_behind(context, lengths[b] > 0 ? samples[b] : cut(shown, 0, 0, 0), 0, longest);
    return stack(context, samples, 0);
}

/// Opset 8. Inputs: lengths of the sequences, states [batch, …], scanned tensors [batch, steps, …].
void scan_batch(const KernelContext& context, const ScanAttrs& a, std::size_t states) {
    Scanned all;
    for (std::size_t i = 1 + states; i < context.inputs.size(); ++i) {
        all.tensors.push_back(context.required(static_cast<int>(i)));
        if (all.tensors.back().shape().rank() < 2) context.reject("a scanned input has no batch and sequence axes");
    }
    const std::vector<int> zeros(all.tensors.size(), 0), ones(all.tensors.size(), 1);
    const std::int64_t batch = common_extent(context, all, zeros), longest = common_extent(context, all, ones);
    if (batch == 0) context.reject("the batch is empty");
    for (std::size_t i = 1; i <= states; ++i) {
        const Shape& shape = context.required(static_cast<int>(i)).shape();
        if (shape.rank() < 1 || shape[0] != batch) context.reject(format("state {} is no batch of {}", shape.to_string(), batch));
    }
    const std::vector<std::int64_t> lengths = sequence_lengths(context, batch, longest);
    std::vector<std::vector<Tensor>> results(a.body->outputs().size());  // by output, then by sample
    for (std::int64_t b = 0; b < batch; ++b) {
        Scanned sample{{}, zeros};
        for (const Tensor& x : all.tensors) sample.tensors.push_back(take(x, 0, b));
        std::vector<RuntimeValue> carried;
        for (std::size_t i = 1; i <= states; ++i) carried.emplace_back(take(context.input(static_cast<int>(i)), 0, b));
        const auto stacks = run_steps(context, a, sample, lengths[static_cast<std::size_t>(b)], carried);
        for (std::size_t k = 0; k < states; ++k) results[k].push_back(tensor(context, carried[k]));
        for (std::size_t k = 0; k < stacks.size(); ++k) results[states + k].push_back(stacks[k].join(0));
    }
    std::vector<RuntimeValue> outputs;
    for (std::size_t k = 0; k < results.size(); ++k)
        outputs.emplace_back(k < states ? stack(context, results[k], 0) : stack_samples(context, std::move(results[k]), lengths, longest));
    hand_over(context, std::move(outputs));
}

void scan_any(const KernelContext& context) {
    const auto a = attrs<ScanAttrs>(context.node);
    const auto states = static_cast<std::size_t>(a.state_count(context.node));
    if (a.body->outputs().size() < states) context.reject("the body gives fewer values than there are states");
    if (a.form == ScanAttrs::Form::Batched) scan_batch(context, a, states);
    else scan(context, a, states);
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "If", branch, Carries::AnyValue},
    {"", "Loop", loop, Carries::AnyValue},
    {"", "Scan", scan_any, Carries::AnyValue},
};
// clang-format on

}  // namespace

std::span<const KernelRow> control_flow_kernels() { return kRows; }

}  // namespace mcompress::reference
