// com.microsoft: normalizations with a sum in front of them, and embeddings that are summed and normalized.
#include <algorithm>
#include <cmath>

#include "engine/reference/delegate.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/microsoft.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress::reference {

namespace {

enum class Centering { AroundMean, AroundZero };  // LayerNormalization, RMS normalization

/// Statistics of one row; the mean is 0 around zero.
struct RowStatistics {
    double mean = 0.0, inverse_deviation = 0.0;
};

template <typename T> RowStatistics statistics(const T* row, std::int64_t width, Centering centering, double epsilon) {
    RowStatistics result;
    if (centering == Centering::AroundMean) {
        for (std::int64_t i = 0; i < width; ++i) result.mean += static_cast<double>(row[i]);
        result.mean /= static_cast<double>(width);
    }
    double squares = 0.0;
    for (std::int64_t i = 0; i < width; ++i) {
        const double difference = static_cast<double>(row[i]) - result.mean;
        squares += difference * difference;
    }
    result.inverse_deviation = 1.0 / std::sqrt(squares / static_cast<double>(width) + epsilon);
    return result;
}

template <typename T> const T* vector_of(const KernelContext& context, int index, std::int64_t width) {
    const Tensor& tensor = context.input(index);
    if (!tensor.defined()) return nullptr;
    if (tensor.element_count() != width || tensor.dtype() != dtype_of<T>)
        context.reject(
            format("input {} of shape {} does not have {} elements of the input's type", index, tensor.shape().to_string(), width));
    return tensor.data<T>();
}

/// Where a normalization finds its vectors; -1: it has none.
struct Parameters {
    Centering centering;
    int gamma, beta, bias;
};

/// Rows of `sum` normalized to output 0; mean and inverse deviation to outputs 1 and 2 of skip normalizations.
template <typename T>
void normalize_rows(const KernelContext& context, const Tensor& sum, const Parameters& p, double epsilon, T* to, float* means,
                    float* inverses) {
    const std::int64_t width = sum.shape()[sum.shape().rank() - 1], rows = width > 0 ? sum.element_count() / width : 0;
    const T* gamma = vector_of<T>(context, p.gamma, width);
    const T* beta = p.beta < 0 ? nullptr : vector_of<T>(context, p.beta, width);
    const T* from = sum.data<T>();
    if (!gamma) context.reject("gamma is missing");
    parallel_for(static_cast<std::size_t>(rows), sum.element_count() > (1 << 16) ? context.threads : 1, [&](int, std::size_t index) {
        const std::int64_t base = static_cast<std::int64_t>(index) * width;
        const RowStatistics s = statistics(from + base, width, p.centering, epsilon);
        for (std::int64_t i = 0; i < width; ++i) {
            const double normal = (static_cast<double>(from[base + i]) - s.mean) * s.inverse_deviation * static_cast<double>(gamma[i]);
            to[base + i] = static_cast<T>(normal + (beta ? static_cast<double>(beta[i]) : 0.0));
        }
        if (means) means[index] = static_cast<float>(s.mean);
        if (inverses) inverses[index] = static_cast<float>(s.inverse_deviation);
    });
}

/// input + skip (which may lack or repeat leading axes) + bias.
template <typename T> Tensor skip_sum(const KernelContext& context, const Parameters& p) {
    const Tensor &x = context.required(0), &skip = context.required(1);
    const int rank = x.shape().rank();
    if (rank < 2) context.reject(format("the input has shape {}", x.shape().to_string()));
    const auto joint = broadcast(x.shape(), skip.shape());
    if (!joint || *joint != x.shape() || skip.dtype() != x.dtype() || skip.shape().rank() < 2 ||
        skip.shape()[skip.shape().rank() - 1] != x.shape()[rank - 1])
        context.reject(format("the skip input {} does not fit {}", skip.shape().to_string(), x.shape().to_string()));
    const std::int64_t width = x.shape()[rank - 1];
    const T* bias = vector_of<T>(context, p.bias, width);
    const Tensor inputs[] = {x, skip};
    Tensor sum = run_standard(context, "Add", inputs)[0];
    if (!bias) return sum;
    T* values = sum.mutable_data<T>();
    for (std::int64_t i = 0; i < sum.element_count(); ++i) values[i] += bias[i % width];
    return sum;
}

void skip_norm(const KernelContext& context, const Parameters& p) {
    const double epsilon = static_cast<double>(attrs<SkipNormAttrs>(context.node).epsilon);
    dispatch(Floats{}, context, context.required(0).dtype(), [&]<typename T>() {
        Tensor sum = skip_sum<T>(context, p);
        Shape kept = sum.shape();
        kept[kept.rank() - 1] = 1;
        const auto statistic = [&](int index) {
            return context.wants_output(index) ? context.make_output(index, DType::Float32, kept).mutable_data<float>() : nullptr;
        };
        float *means = statistic(1), *inverses = statistic(2);
        T* to = context.make_output(0, sum.dtype(), sum.shape()).template mutable_data<T>();
        normalize_rows<T>(context, sum, p, epsilon, to, means, inverses);
        if (context.wants_output(3)) context.set_output(3, std::move(sum));
    });
}

void skip_layer_normalization(const KernelContext& context) { skip_norm(context, {Centering::AroundMean, 2, 3, 4}); }
void skip_simplified_layer_normalization(const KernelContext& context) { skip_norm(context, {Centering::AroundZero, 2, -1, 3}); }

/// Rows of a table by 32-bit indices; rejects one out of range.
template <typename T> const T* row_of(const KernelContext& context, const Tensor& table, std::int64_t row) {
    if (row < 0 || row >= table.shape()[0]) context.reject(format("index {} lies outside an embedding of {} rows", row, table.shape()[0]));
    return table.data<T>() + row * table.shape()[1];
}

void check_table(const KernelContext& context, const Tensor& table, const Tensor& words) {
    if (table.shape().rank() != 2 || table.dtype() != words.dtype() || table.shape()[1] != words.shape()[1])
        context.reject(format("the embedding {} does not fit {}", table.shape().to_string(), words.shape().to_string()));
}

/// The position of the first 0 of each row of the mask; 0 without a mask.
void set_mask_index(const KernelContext& context, std::int64_t batch, std::int64_t steps) {
    std::int32_t* to = context.make_output(1, DType::Int32, Shape{batch}).mutable_data<std::int32_t>();
    std::fill_n(to, batch, 0);
    if (!context.has_input(7)) return;
    const std::vector<std::int64_t> mask = integers(context, context.input(7));
    if (static_cast<std::int64_t>(mask.size()) != batch * steps) context.reject("the mask does not have the shape of the indices");
    for (std::int64_t b = 0; b < batch; ++b)
        for (std::int64_t s = 0; s < steps && mask[static_cast<std::size_t>(b * steps + s)] != 0; ++s) ++to[b];
}

template <typename T> Tensor embedding_sum(const KernelContext& context) {
    const Tensor &ids = context.required(0), &words = context.required(2), &positions = context.required(3), &segments = context.input(4);
    if (ids.shape().rank() != 2 || words.shape().rank() != 2) context.reject("expected indices [batch, steps] and an embedding of rank 2");
    check_table(context, positions, words);
    if (segments.defined()) check_table(context, segments, words);
    const std::int64_t batch = ids.shape()[0], steps = ids.shape()[1], width = words.shape()[1];
    const std::vector<std::int64_t> word = integers(context, ids);
    std::vector<std::int64_t> segment, position;
    if (segments.defined()) segment = integers(context, context.required(1));
    if (context.has_input(8)) position = integers(context, context.input(8));
    if ((segments.defined() && segment.size() != word.size()) ||
        (!position.empty() && position.size() != word.size() && static_cast<std::int64_t>(position.size()) != steps))
        context.reject("indices have different shapes");
    context.check_size(words.dtype(), Shape{batch, steps, width});
    Tensor sum = Tensor::uninitialized(words.dtype(), Shape{batch, steps, width});
    T* to = sum.mutable_data<T>();
    for (std::size_t at = 0; at < word.size(); ++at) {
        const std::int64_t place = position.empty() ? static_cast<std::int64_t>(at) % steps : position[at % position.size()];
        const T* word_row = row_of<T>(context, words, word[at]);
        const T* position_row = row_of<T>(context, positions, place);
        const T* segment_row = segments.defined() ? row_of<T>(context, segments, segment[at]) : nullptr;
        for (std::int64_t i = 0; i < width; ++i) *to++ = word_row[i] + position_row[i] + (segment_row ? segment_row[i] : T{});
    }
    return sum;
}

void embed_layer_normalization(const KernelContext& context) {
    const double epsilon = static_cast<double>(attrs<SkipNormAttrs>(context.node).epsilon);
    dispatch(Floats{}, context, context.required(2).dtype(), [&]<typename T>() {
        Tensor sum = embedding_sum<T>(context);
        T* to = context.make_output(0, sum.dtype(), sum.shape()).template mutable_data<T>();
        normalize_rows<T>(context, sum, {Centering::AroundMean, 5, 6, -1}, epsilon, to, nullptr, nullptr);
        if (context.wants_output(1)) set_mask_index(context, sum.shape()[0], sum.shape()[1]);
        if (context.wants_output(2)) context.set_output(2, std::move(sum));
    });
}

constexpr std::string_view kDomain = "com.microsoft";

// clang-format off
constexpr KernelRow kRows[] = {
    {kDomain, "EmbedLayerNormalization", widened<embed_layer_normalization>},
    {kDomain, "LayerNormalization", as_standard<"LayerNormalization">},
    {kDomain, "SimplifiedLayerNormalization", as_standard<"SimplifiedLayerNormalization">},
    {kDomain, "SkipLayerNormalization", widened<skip_layer_normalization>},
    {kDomain, "SkipSimplifiedLayerNormalization", widened<skip_simplified_layer_normalization>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> microsoft_norm_kernels() { return kRows; }

}  // namespace mcompress::reference
