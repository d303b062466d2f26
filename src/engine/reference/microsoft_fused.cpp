// com.microsoft: convolutions and products with a sum, a factor or an activation fused into them.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/reference/broadcast.h"
#include "engine/reference/delegate.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/fused_activation.h"
#include "engine/reference/kernel_families.h"
#include "ir/model.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress::reference {

namespace {

using Kind = FusedActivation::Kind;

struct ActivationRow {
    Kind kind;
    double (*function)(double x, const FusedActivation& a);
};

double of(float parameter) { return static_cast<double>(parameter); }

// clang-format off
constexpr ActivationRow kActivations[] = {
    {Kind::Celu, [](double x, const FusedActivation& a) { return std::max(0.0, x) + std::min(0.0, of(a.alpha) * std::expm1(x / of(a.alpha))); }},
    {Kind::Clip, [](double x, const FusedActivation& a) { return std::min(std::max(x, of(a.alpha)), of(a.beta)); }},
    {Kind::Elu, [](double x, const FusedActivation& a) { return x < 0.0 ? of(a.alpha) * std::expm1(x) : x; }},
    {Kind::Gelu, [](double x, const FusedActivation&) { return exact_gelu(x); }},
    {Kind::HardSigmoid, [](double x, const FusedActivation& a) { return std::clamp(of(a.alpha) * x + of(a.beta), 0.0, 1.0); }},
    {Kind::HardSwish, [](double x, const FusedActivation&) { return x * std::clamp(x / 6.0 + 0.5, 0.0, 1.0); }},
    {Kind::LeakyRelu, [](double x, const FusedActivation& a) { return x < 0.0 ? of(a.alpha) * x : x; }},
    {Kind::QuickGelu, [](double x, const FusedActivation& a) { return swish(x, of(a.alpha)); }},
    {Kind::Relu, [](double x, const FusedActivation&) { return std::max(x, 0.0); }},
    {Kind::Selu, [](double x, const FusedActivation& a) { return of(a.gamma) * (x > 0.0 ? x : of(a.alpha) * std::expm1(x)); }},
    {Kind::Sigmoid, [](double x, const FusedActivation&) { return 1.0 / (1.0 + std::exp(-x)); }},
    {Kind::Softplus, [](double x, const FusedActivation&) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }},
    {Kind::Softsign, [](double x, const FusedActivation&) { return x / (1.0 + std::abs(x)); }},
    {Kind::Swish, [](double x, const FusedActivation& a) { return swish(x, of(a.alpha)); }},
    {Kind::Tanh, [](double x, const FusedActivation&) { return std::tanh(x); }},
    {Kind::ThresholdedRelu, [](double x, const FusedActivation& a) { return x > of(a.alpha) ? x : 0.0; }},
};
// clang-format on

constexpr std::size_t kChunk = std::size_t{1} << 14;

/// Calls change(element) for every element of a float or double tensor.
template <typename Change> void for_each_element(const KernelContext& context, Tensor& tensor, Change change) {
    dispatch(Floats{}, context, tensor.dtype(), [&]<typename T>() {
        T* values = tensor.mutable_data<T>();
        parallel_chunks(static_cast<std::size_t>(tensor.element_count()), kChunk, context.threads,
                        [&](std::size_t, std::size_t begin, std::size_t end) {
                            for (std::size_t i = begin; i < end; ++i) values[i] = static_cast<T>(change(static_cast<double>(values[i])));
                        });
    });
}

}  // namespace

void apply_activation(const KernelContext& context, const FusedActivation& activation, Tensor& tensor) {
    if (activation.kind == Kind::None) return;
    for (const ActivationRow& row : kActivations)
        if (row.kind == activation.kind) for_each_element(context, tensor, [&](double x) { return row.function(x, activation); });
}

namespace {

/// The sum (input 3) has the output's shape.
void fused_conv(const KernelContext& context) {
    const auto a = attrs<FusedConvAttrs>(context.node);
    const Tensor inputs[] = {context.required(0), context.required(1), context.input(2)};
    Tensor y = run_standard(context, "Conv", inputs)[0];
    if (context.has_input(3)) {
        const Tensor& sum = context.input(3);
        if (sum.shape() != y.shape() || sum.dtype() != y.dtype())
            context.reject(format("the sum {} does not fit the output {}", sum.shape().to_string(), y.shape().to_string()));
        dispatch(Floats{}, context, y.dtype(), [&]<typename T>() {
            T* to = y.mutable_data<T>();
            for (std::int64_t i = 0; i < y.element_count(); ++i) to[i] += sum.data<T>()[i];
        });
    }
    apply_activation(context, a.activation, y);
    context.set_output(0, std::move(y));
}

/// The pads are input 2; the window's attributes hold none.
void conv_transpose_dynamic(const KernelContext& context) {
    const Tensor &x = context.required(0), &w = context.required(1);
    const Tensor inputs[] = {x, w, context.input(3)};
    if (!context.has_input(2)) return context.set_output(0, run_standard(context, "ConvTranspose", inputs)[0]);
    std::vector<std::int64_t> pads = integers(context, context.input(2));
    if (x.shape().rank() < 3 || pads.size() != 2 * static_cast<std::size_t>(x.shape().rank() - 2))
        context.reject(format("{} pads are given for an input of shape {}", pads.size(), x.shape().to_string()));
    Model model;
    std::vector<Attribute> attributes{{"pads", std::move(pads), {}}};
    for (const Attribute& attribute : context.node.attributes())
        if (attribute.name != "pads") attributes.push_back(attribute);
    const Node& padded = *model.graph->add_node({.op_type = "ConvTranspose", .inputs = {}, .attributes = std::move(attributes)});
    std::vector<Tensor> outputs(1);
    standard_kernel(context,
                    "ConvTranspose")(KernelContext{padded, inputs, outputs, context.threads, context.largest_output_bytes, nullptr});
    context.set_output(0, std::move(outputs[0]));
}

void fused_gemm(const KernelContext& context) {
    Tensor y = run_standard(context, "Gemm", context.inputs)[0];
    apply_activation(context, attrs<FusedGemmAttrs>(context.node).activation, y);
    context.set_output(0, std::move(y));
}

/// The operand in the order that matmul wants; as it is when nothing turns.
Tensor turned(const KernelContext& context, const Tensor& tensor, const MatrixAxes& axes) {
    std::vector<int> order(static_cast<std::size_t>(tensor.shape().rank()));
    std::iota(order.begin(), order.end(), 0);
    const std::vector<int> wanted = axes.turned(order);
    return wanted == order ? tensor : permuted(context, tensor, wanted);
}

void fused_matmul(const KernelContext& context) {
    const auto a = attrs<FusedMatMulAttrs>(context.node);
    const Tensor inputs[] = {turned(context, context.required(0), a.a), turned(context, context.required(1), a.b)};
    Tensor y = run_standard(context, "MatMul", inputs)[0];
    if (a.alpha != 1.0F) for_each_element(context, y, [&](double x) { return of(a.alpha) * x; });
    apply_activation(context, a.activation, y);
    context.set_output(0, std::move(y));
}

/// x + bias of the last axis, then function.
template <typename Function> void map_biased(const KernelContext& context, const Tensor& x, const Tensor& bias, Function function) {
    const std::int64_t width = x.shape().rank() > 0 ? x.shape()[x.shape().rank() - 1] : 1;
    if (bias.defined() && (bias.element_count() != width || bias.dtype() != x.dtype()))
        context.reject(format("the bias {} does not fit {}", bias.shape().to_string(), x.shape().to_string()));
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        const T* from = x.data<T>();
        const T* shift = bias.defined() ? bias.data<T>() : nullptr;
        T* to = context.make_output(0, x.dtype(), x.shape()).template mutable_data<T>();
        parallel_chunks(static_cast<std::size_t>(x.element_count()), kChunk, context.threads,
                        [&](std::size_t, std::size_t begin, std::size_t end) {
                            for (std::size_t i = begin; i < end; ++i) {
                                const T sum = shift ? from[i] + shift[static_cast<std::int64_t>(i) % width] : from[i];
                                to[i] = static_cast<T>(function(static_cast<double>(sum)));
                            }
                        });
    });
}

void gemm_fast_gelu(const KernelContext& context) {
    const Tensor inputs[] = {context.required(0), context.required(1)};
    map_biased(context, run_standard(context, "MatMul", inputs)[0], context.input(2), tanh_gelu);
}

void gelu(const KernelContext& context) { map_biased(context, context.required(0), context.input(1), exact_gelu); }
void fast_gelu(const KernelContext& context) { map_biased(context, context.required(0), context.input(1), tanh_gelu); }
void quick_gelu(const KernelContext& context) {
    const double alpha = of(attrs<QuickGeluAttrs>(context.node).alpha);
    map_biased(context, context.required(0), Tensor{}, [=](double x) { return swish(x, alpha); });
}

/// (left half + bias) · gelu(right half + bias) of the last axis.
void bias_split_gelu(const KernelContext& context) {
    const Tensor &x = context.required(0), &bias = context.required(1);
    const int rank = x.shape().rank();
    if (rank < 1 || x.shape()[rank - 1] % 2 != 0 || bias.element_count() != x.shape()[rank - 1] || bias.dtype() != x.dtype())
        context.reject(format("the bias {} does not fit {}", bias.shape().to_string(), x.shape().to_string()));
    Shape shape = x.shape();
    const std::int64_t half = shape[rank - 1] /= 2, rows = shape.product(0, rank - 1);
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        T* to = context.make_output(0, x.dtype(), shape).template mutable_data<T>();
        const auto sum = [&](std::int64_t row, std::int64_t at) {
            return static_cast<double>(x.data<T>()[row * 2 * half + at]) + static_cast<double>(bias.data<T>()[at]);
        };
        for (std::int64_t row = 0; row < rows; ++row)
            for (std::int64_t i = 0; i < half; ++i) *to++ = static_cast<T>(sum(row, i) * exact_gelu(sum(row, half + i)));
    });
}

/// data, bias and residual are added; in inference nothing is dropped. Training (input 4) would draw random numbers.
void bias_dropout(const KernelContext& context) {
    if (context.has_input(4) && (context.input(4).dtype() != DType::Bool || context.input(4).element_count() != 1))
        context.reject("training_mode is not one truth value");
    if (context.has_input(4) && context.input(4).data<bool>()[0]) context.reject("dropout in training mode is not executed");
    const Tensor first[] = {context.required(0), context.required(1)};
    Tensor sum = run_standard(context, "Add", first)[0];
    if (context.has_input(2)) {
        const Tensor second[] = {sum, context.input(2)};
        sum = run_standard(context, "Add", second)[0];
    }
    if (context.wants_output(1)) {
        Tensor& mask = context.make_output(1, DType::Bool, sum.shape());
        std::fill_n(mask.mutable_data<bool>(), mask.element_count(), true);
    }
    context.set_output(0, std::move(sum));
}

/// softmax(data + bias) over all axes from `axis` on.
void bias_softmax(const KernelContext& context) {
    const Tensor inputs[] = {context.required(0), context.required(1)};
    Tensor sum = run_standard(context, "Add", inputs)[0];
    if (sum.shape() != context.input(0).shape()) context.reject("the bias does not broadcast to the data");
    const int axis = checked_axis(context, attrs<BiasSoftmaxAttrs>(context.node).axis, sum.shape().rank());
    const std::int64_t width = sum.shape().product(axis, sum.shape().rank());
    dispatch(Floats{}, context, sum.dtype(), [&]<typename T>() {
        T* values = sum.mutable_data<T>();
        for (std::int64_t row = 0; width > 0 && row < sum.element_count(); row += width) {
            const double top = static_cast<double>(*std::max_element(values + row, values + row + width));
            double total = 0.0;
            for (std::int64_t i = row; i < row + width; ++i) total += std::exp(static_cast<double>(values[i]) - top);
            for (std::int64_t i = row; i < row + width; ++i)
                values[i] = static_cast<T>(std::exp(static_cast<double>(values[i]) - top) / total);
        }
    });
    context.set_output(0, std::move(sum));
}

constexpr std::string_view kDomain = "com.microsoft";

// clang-format off
constexpr KernelRow kRows[] = {
    {kDomain, "BiasDropout", widened<bias_dropout>},
    {kDomain, "BiasGelu", widened<gelu>},
    {kDomain, "BiasSoftmax", widened<bias_softmax>},
    {kDomain, "BiasSplitGelu", widened<bias_split_gelu>},
    {kDomain, "ConvTransposeWithDynamicPads", widened<conv_transpose_dynamic>},
    {kDomain, "FastGelu", widened<fast_gelu>},
    {kDomain, "FusedConv", widened<fused_conv>},
    {kDomain, "FusedGemm", widened<fused_gemm>},
    {kDomain, "FusedMatMul", widened<fused_matmul>},
    {kDomain, "FusedMatMulActivation", widened<fused_matmul>},
    {kDomain, "Gelu", widened<gelu>},
    {kDomain, "GemmFastGelu", widened<gemm_fast_gelu>},
    {kDomain, "QuickGelu", widened<quick_gelu>},
    {kDomain, "TransposeMatMul", widened<fused_matmul>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> microsoft_fused_kernels() { return kRows; }

}  // namespace mcompress::reference
