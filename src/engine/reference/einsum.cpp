// Einsum: output(labels) = Σ over the other labels of the product of all operands.
#include <algorithm>
#include <map>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/strided.h"
#include "ops/matmul.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

/// A label: a letter of the equation, or (from kEllipsis on) a dimension of the ellipsis counted from its last.
using Label = int;
constexpr Label kEllipsis = 256;

/// One label an axis of a tensor of that rank. The ellipsis stands for what the letters leave over.
std::vector<Label> labels_of(const KernelContext& context, const std::string& term, int rank) {
    const bool has_ellipsis = term.find('.') != std::string::npos;
    const int letters = static_cast<int>(term.size()) - (has_ellipsis ? 1 : 0);
    if (letters > rank || (!has_ellipsis && letters != rank))
        context.reject(format("the term '{}' does not fit a tensor of rank {}", term, rank));
    std::vector<Label> labels;
    for (const char letter : term) {
        if (letter != '.') labels.push_back(static_cast<unsigned char>(letter));
        for (int k = rank - letters; letter == '.' && k > 0; --k) labels.push_back(kEllipsis + k - 1);
    }
    return labels;
}

struct Operand {
    std::vector<Label> labels;
    Shape shape;
};

/// Extents by label; an extent of 1 is broadcast.
std::map<Label, std::int64_t> read_extents(const KernelContext& context, const std::vector<Operand>& operands) {
    std::map<Label, std::int64_t> extents;
    for (const Operand& operand : operands)
        for (std::size_t axis = 0; axis < operand.labels.size(); ++axis) {
            const std::int64_t found = operand.shape[static_cast<int>(axis)];
            std::int64_t& extent = extents.emplace(operand.labels[axis], found).first->second;
            if (extent != found && extent != 1 && found != 1)
                context.reject(format("one label stands for {} and for {} elements", extent, found));
            extent = extent == 1 ? found : extent;
        }
    return extents;
}

/// Strides of an operand over a list of labels; a label used twice (a diagonal) adds up, one not used has stride 0.
Strides strides_over(const Operand& operand, const std::vector<Label>& labels) {
    const Strides own = operand.shape.strides();
    Strides result(labels.size(), 0);
    for (std::size_t axis = 0; axis < operand.labels.size(); ++axis)
        for (std::size_t i = 0; i < labels.size(); ++i)
            if (labels[i] == operand.labels[axis] && operand.shape[static_cast<int>(axis)] != 1) result[i] += own[axis];
    return result;
}

/// Calls visit(position) for every index tuple below the extents, in row-major order.
template <typename Visit> void for_each_tuple(const std::vector<std::int64_t>& extents, Visit&& visit) {
    std::vector<std::int64_t> tuple(extents.size(), 0);
    for (std::int64_t left = Shape(extents).element_count(); left > 0; --left) {
        visit(tuple);
        for (std::size_t axis = extents.size(); axis-- > 0;) {
            if (++tuple[axis] < extents[axis]) break;
            tuple[axis] = 0;
        }
    }
}

std::int64_t offset(const Strides& strides, const std::vector<std::int64_t>& tuple) {
    std::int64_t result = 0;
    for (std::size_t i = 0; i < tuple.size(); ++i) result += strides[i] * tuple[i];
    return result;
}

struct Plan {
    std::vector<std::int64_t> outer, inner;             // extents of the output's labels and of the summed ones
    std::vector<Strides> outer_strides, inner_strides;  // one an operand
};

Plan make_plan(const KernelContext& context) {
    const auto a = attrs<EinsumAttrs>(context.node);
    if (a.inputs.size() != context.inputs.size()) context.reject("the equation has another number of terms than there are inputs");
    std::vector<Operand> operands;
    for (std::size_t i = 0; i < context.inputs.size(); ++i) {
        const Shape& shape = context.required(static_cast<int>(i)).shape();
        operands.push_back({labels_of(context, a.inputs[i], shape.rank()), shape});
    }
    const auto extents = read_extents(context, operands);
    const auto ellipsis = std::count_if(extents.begin(), extents.end(), [](const auto& entry) { return entry.first >= kEllipsis; });
    const bool shows_ellipsis = a.output.find('.') != std::string::npos;
    const auto letters = static_cast<int>(a.output.size()) - (shows_ellipsis ? 1 : 0);
    const std::vector<Label> outer = labels_of(context, a.output, letters + (shows_ellipsis ? static_cast<int>(ellipsis) : 0));
    std::vector<Label> inner;
    for (const auto& [label, extent] : extents)
        if (std::find(outer.begin(), outer.end(), label) == outer.end()) inner.push_back(label);
    Plan plan;
    for (const Label label : outer) plan.outer.push_back(extents.at(label));
    for (const Label label : inner) plan.inner.push_back(extents.at(label));
    for (const Operand& operand : operands) {
        plan.outer_strides.push_back(strides_over(operand, outer));
        plan.inner_strides.push_back(strides_over(operand, inner));
    }
    return plan;
}

void einsum(const KernelContext& context) {
    const Plan plan = make_plan(context);
    const DType dtype = context.required(0).dtype();
    dispatch(TypeList<float, double, std::int32_t, std::int64_t>{}, context, dtype, [&]<typename T>() {
        using Acc = std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t>;
        std::vector<const T*> data;
        for (const Tensor& input : context.inputs) {
            if (input.dtype() != dtype) context.reject_dtype(input.dtype());
            data.push_back(input.data<T>());
        }
        T* to = context.make_output(0, dtype, Shape(plan.outer)).template mutable_data<T>();
        for_each_tuple(plan.outer, [&](const std::vector<std::int64_t>& at) {
            std::vector<const T*> base = data;
            for (std::size_t n = 0; n < base.size(); ++n) base[n] += offset(plan.outer_strides[n], at);
            Acc sum{};
            for_each_tuple(plan.inner, [&](const std::vector<std::int64_t>& inner) {
                Acc product{1};
                for (std::size_t n = 0; n < base.size(); ++n) product *= static_cast<Acc>(base[n][offset(plan.inner_strides[n], inner)]);
                sum += product;
            });
            *to++ = static_cast<T>(sum);
        });
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Einsum", widened<einsum>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> einsum_kernels() { return kRows; }

}  // namespace mcompress::reference
