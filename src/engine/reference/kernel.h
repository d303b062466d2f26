// Reference kernels: one plain function an operator, over plain tensors of any shape. Both engines use them for what has no faster form.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "ir/node.h"
#include "tensor/tensor.h"

namespace mcompress {

/// What a kernel sees: the node (for typed attributes, read with attrs<…>()), its inputs (undefined tensors for absent ones), and the
/// outputs it must fill (as many as the node has; those with a null Value may stay undefined). Input types and arity have been checked by
/// the op table, shapes have not when they depend on data: kernels throw kShapeInvalid where sizes do not fit.
struct KernelContext {
    const Node& node;
    std::span<const Tensor> inputs;
    std::vector<Tensor>& outputs;
    int threads = 1;

    const Tensor& input(int index) const;  // undefined when absent or beyond the end
    bool has_input(int index) const { return input(index).defined(); }
    [[noreturn]] void reject(std::string problem) const;  // kShapeInvalid naming the node
    [[noreturn]] void reject_dtype(DType dtype) const;    // kOperatorUnsupported: no kernel for this element type
};

using KernelFunction = void (*)(const KernelContext&);

struct KernelRow {
    std::string_view domain;
    std::string_view type;
    KernelFunction run;
};

/// The kernel for a node, or null.
KernelFunction find_reference_kernel(const Node& node);

/// Runs one node on given inputs. Throws kOperatorUnsupported when there is no kernel.
std::vector<Tensor> evaluate_node(const Node& node, std::span<const Tensor> inputs, int threads = 1);

}  // namespace mcompress
