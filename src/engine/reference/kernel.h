// Reference kernels: one plain function an operator, over plain tensors of any shape. Both engines use them for what has no faster form.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/reference/routines.h"
#include "ir/node.h"
#include "tensor/runtime_value.h"
#include "tensor/tensor.h"

namespace mcompress {

/// Runs the bodies of a control-flow node; an engine provides it (see bodies.h).
class BodyRunner {
public:
    virtual ~BodyRunner() = default;
    /// Runs the node's body `index` (in the order of Node::subgraphs()); captured outer values are bound already.
    virtual std::vector<RuntimeValue> run(int index, std::span<const RuntimeValue> inputs) const = 0;
};

/// No single tensor of a run may be larger: what a model asks for beyond it is a mistake or an attack.
inline constexpr std::int64_t kLargestTensorBytes = std::int64_t{1} << 34;
/// What constant folding may add beyond the bytes of a node's inputs.
inline constexpr std::int64_t kFoldingGrowthBytes = std::int64_t{64} << 20;

/// A node's inputs and outputs where they may be more than tensors. What is set in `outputs` goes before the tensor at the same place.
struct ValueArguments {
    std::span<const RuntimeValue> inputs;
    std::vector<RuntimeValue>& outputs;
};

/// What a kernel sees: the node (for typed attributes, read with attrs<…>()), its inputs (undefined tensors for absent ones), and the
/// outputs it must fill (as many as the node has; those with a null Value may stay undefined). Input types and arity have been checked by
/// the op table, shapes have not when they depend on data: kernels throw kShapeInvalid where sizes do not fit.
struct KernelContext {
    const Node& node;
    std::span<const Tensor> inputs;
    std::vector<Tensor>& outputs;
    int threads = 1;
    std::int64_t largest_output_bytes = kLargestTensorBytes;
    const BodyRunner* bodies = nullptr;      // set for nodes with bodies
    const ValueArguments* values = nullptr;  // set for kernels that carry any value
    const Routines* routines = nullptr;      // of the engine that runs the kernel, where it has some

    /// The same for other inputs and outputs.
    KernelContext on(std::span<const Tensor> others, std::vector<Tensor>& results) const {
        return {node, others, results, threads, largest_output_bytes, bodies, nullptr, routines};
    }

    const Tensor& input(int index) const;  // undefined when absent or beyond the end
    bool has_input(int index) const { return input(index).defined(); }
    /// As input(), but its absence is an Error (kShapeInvalid).
    const Tensor& required(int index) const;
    /// Whether the node has that output and somebody may read it.
    bool wants_output(int index) const;
    /// A new output with unspecified contents. Throws kTooLarge beyond largest_output_bytes, before it is allocated.
    Tensor& make_output(int index, DType dtype, Shape shape) const;
    void set_output(int index, Tensor tensor) const;
    /// Throws kTooLarge when an output of that size is not allowed.
    void check_size(DType dtype, const Shape& shape) const;

    /// Kernels that carry any value: an input whatever it is (no value when it is absent), or as a sequence, else rejected.
    const RuntimeValue& value(int index) const;
    const RuntimeValue& sequence(int index) const;
    void set_value(int index, RuntimeValue value) const;

    [[noreturn]] void reject(std::string problem) const;  // kShapeInvalid naming the node
    [[noreturn]] void reject_dtype(DType dtype) const;    // kOperatorUnsupported: no kernel for this element type
};

using KernelFunction = void (*)(const KernelContext&);

/// What a kernel can be given: most want tensors and see nothing else, some carry sequences and optionals.
enum class Carries { Tensors, AnyValue };

struct KernelRow {
    std::string_view domain;
    std::string_view type;
    KernelFunction run;
    Carries carries = Carries::Tensors;
};

/// The row, or its kernel, for a node; null when there is none.
const KernelRow* find_kernel_row(const Node& node);
KernelFunction find_reference_kernel(const Node& node);

/// Every row of the kernel table, family by family.
std::vector<KernelRow> all_reference_kernels();

/// Runs a node's kernel. `inputs` are where they lie, null for absent ones; the result has `output_count` values. Throws kOperatorUnsupported
/// when a sequence or an optional meets a kernel for tensors.
std::vector<RuntimeValue> run_kernel(const KernelRow& row, const Node& node, std::span<const RuntimeValue* const> inputs,
                                     std::size_t output_count, int threads, const BodyRunner* bodies = nullptr,
                                     const Routines* routines = nullptr);

/// Runs one node on given inputs. Throws kOperatorUnsupported when there is no kernel, when the node has bodies or when an output is not a
/// tensor, and kTooLarge when an
/// output would be more than kFoldingGrowthBytes larger than all inputs together.
std::vector<Tensor> evaluate_node(const Node& node, std::span<const Tensor> inputs, int threads = 1);

}  // namespace mcompress
