// Losses of classification: NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss.
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/training.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

using Reduction = LossAttrs::Reduction;

/// Scores [N, classes, places]; labels and losses [N, places].
struct Layout {
    std::int64_t batch, classes, places;

    Layout(const KernelContext& context, const Shape& scores, const Shape& labels) {
        if (scores.rank() < 2 || labels.rank() != scores.rank() - 1)
            context.reject(format("labels of shape {} for scores of shape {}", labels.to_string(), scores.to_string()));
        for (int axis = 0; axis < labels.rank(); ++axis)
            if (labels[axis] != scores[axis == 0 ? 0 : axis + 1])
                context.reject(format("labels of shape {} for scores of shape {}", labels.to_string(), scores.to_string()));
        batch = scores[0];
        classes = scores[1];
        places = scores.product(2, scores.rank());
    }
};

/// score - log(sum of exp(scores)), along the classes.
template <typename T> void log_softmax(const T* scores, const Layout& l, T* to) {
    for (std::int64_t line = 0; line < l.batch * l.places; ++line) {
        const std::int64_t base = line / l.places * l.classes * l.places + line % l.places;
        double most = -std::numeric_limits<double>::infinity(), sum = 0.0;
        for (std::int64_t c = 0; c < l.classes; ++c) most = std::max(most, static_cast<double>(scores[base + c * l.places]));
        if (std::isinf(most)) most = 0.0;
        for (std::int64_t c = 0; c < l.classes; ++c) sum += std::exp(static_cast<double>(scores[base + c * l.places]) - most);
        const double shift = most + std::log(sum);
        for (std::int64_t c = 0; c < l.classes; ++c)
            to[base + c * l.places] = static_cast<T>(static_cast<double>(scores[base + c * l.places]) - shift);
    }
}

/// -weight[label]·logarithm[label] for every label; the mean is taken over the weights.
template <typename T> void reduce_losses(const KernelContext& context, const Layout& l, const T* logarithms) {
    const auto a = attrs<LossAttrs>(context.node);
    const Tensor& labels = context.required(1);
    const std::vector<std::int64_t> classes = integers(context, labels);
    const T* weights = nullptr;
    if (context.has_input(2)) {
        if (context.input(2).dtype() != dtype_of<T>) context.reject_dtype(context.input(2).dtype());
        if (context.input(2).shape() != Shape{l.classes}) context.reject(format("expected {} weights", l.classes));
        weights = context.input(2).data<T>();
    }
    std::vector<T> losses;
    double sum = 0.0, total = 0.0;
    for (std::size_t i = 0; i < classes.size(); ++i) {
        const std::int64_t at = static_cast<std::int64_t>(i), label = classes[i];
        const bool counts = !a.ignore_index || label != *a.ignore_index;
        if (counts && (label < 0 || label >= l.classes)) context.reject(format("label {} lies outside {} classes", label, l.classes));
        const double weight = !counts ? 0.0 : weights ? static_cast<double>(weights[label]) : 1.0;
        const double loss =
            counts ? -weight * static_cast<double>(logarithms[(at / l.places * l.classes + label) * l.places + at % l.places]) : 0.0;
        sum += loss;
        total += weight;
        if (a.reduction == Reduction::None) losses.push_back(static_cast<T>(loss));
    }
    if (a.reduction == Reduction::None) context.set_output(0, Tensor::from_values(labels.shape(), losses));
    else context.set_output(0, Tensor::scalar(static_cast<T>(a.reduction == Reduction::Sum ? sum : sum / total)));
}

void negative_log_likelihood_loss(const KernelContext& context) {
    const Tensor& x = context.required(0);
    const Layout l(context, x.shape(), context.required(1).shape());
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() { reduce_losses(context, l, x.data<T>()); });
}

void softmax_cross_entropy_loss(const KernelContext& context) {
    const Tensor& x = context.required(0);
    const Layout l(context, x.shape(), context.required(1).shape());
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        context.check_size(x.dtype(), x.shape());
        Tensor logarithms = Tensor::uninitialized(x.dtype(), x.shape());
        if (x.element_count() > 0) log_softmax(x.data<T>(), l, logarithms.mutable_data<T>());
        reduce_losses(context, l, logarithms.data<T>());
        if (context.wants_output(1)) context.set_output(1, std::move(logarithms));
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "NegativeLogLikelihoodLoss", widened<negative_log_likelihood_loss>},
    {"", "SoftmaxCrossEntropyLoss", widened<softmax_cross_entropy_loss>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> loss_kernels() { return kRows; }

}  // namespace mcompress::reference
