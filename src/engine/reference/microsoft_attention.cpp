// com.microsoft Attention, QAttention and MultiHeadAttention.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/reference/codes.h"
#include "engine/reference/delegate.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/rotary.h"
#include "engine/reference/scaled_attention.h"
#include "ops/microsoft.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

void check_floats(const KernelContext& context, std::initializer_list<int> indices) {
    for (const int index : indices)
        if (context.has_input(index) && context.input(index).dtype() != DType::Float32) context.reject_dtype(context.input(index).dtype());
}

/// Inputs that say how much of a past that is also the present is in use.
void refuse_shared_buffers(const KernelContext& context, std::initializer_list<int> indices) {
    for (const int index : indices)
        if (context.has_input(index)) context.reject(format("input {} asks for a past that is overwritten, which is not executed", index));
}

/// Keys or values [batch, heads, past + steps, size]: what was there, then new rows.
Tensor appended(const KernelContext& context, const float* past, std::int64_t past_steps, const HeadRows& rows, const Shape& shape) {
    context.check_size(DType::Float32, shape);
    Tensor result = Tensor::uninitialized(DType::Float32, shape);
    float* to = result.mutable_data<float>();
    const std::int64_t size = shape[3], steps = shape[2] - past_steps;
    for (std::int64_t b = 0; b < shape[0]; ++b)
        for (std::int64_t h = 0; h < shape[1]; ++h) {
            if (past_steps > 0) to = std::copy_n(past + (b * shape[1] + h) * past_steps * size, past_steps * size, to);
            for (std::int64_t s = 0; s < steps; ++s) to = std::copy_n(rows.row(b, h, s), size, to);
        }
    return result;
}

HeadRows whole(const Tensor& tensor) {
    const Shape& shape = tensor.shape();
    return {tensor.data<float>(), shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3]};
}

/// The padding mask as numbers to add, [batch, 1 or queries, keys], with how its rows lie.
struct PaddingMask {
    std::vector<float> values;
    HeadRows rows;
};

/// Lengths [B]; ends and starts [2B]; lengths and offsets [3B + 2]: keys outside are masked.
void mask_by_lengths(const std::vector<std::int64_t>& given, const AttentionTask& t, float masked, float* to) {
    const bool has_starts = static_cast<std::int64_t>(given.size()) == 2 * t.batch;
    for (std::int64_t b = 0; b < t.batch; ++b)
        for (std::int64_t key = 0; key < t.keys; ++key) {
            const bool after = key >= given[static_cast<std::size_t>(b)];
            const bool before = has_starts && key < given[static_cast<std::size_t>(b + t.batch)];
            *to++ = after || before ? masked : 0.0F;
        }
}

/// Reads the mask of an input, of one of the forms [B], [2B], [3B + 2], [B, keys], [B, queries, keys], [B, 1, most, most].
PaddingMask padding_mask(const KernelContext& context, int index, const AttentionTask& t, float masked) {
    PaddingMask mask;
    if (!context.has_input(index)) return mask;
    const Shape& shape = context.input(index).shape();
    const std::vector<std::int64_t> given = integers(context, context.input(index));
    const bool by_query = shape == Shape{t.batch, t.queries, t.keys};
    const std::int64_t rows = by_query || shape.rank() == 4 ? t.queries : 1;
    mask.values.resize(static_cast<std::size_t>(t.batch * rows * t.keys));
    const std::int64_t past = t.keys - t.queries;
    if (shape.rank() == 1 && (shape[0] == t.batch || shape[0] == 2 * t.batch || shape[0] == 3 * t.batch + 2)) {
        mask_by_lengths(given, t, masked, mask.values.data());
    } else if (by_query || shape == Shape{t.batch, t.keys}) {
        std::transform(given.begin(), given.end(), mask.values.begin(), [=](std::int64_t kept) { return kept ? 0.0F : masked; });
    } else if (shape.rank() == 4 && shape[0] == t.batch && shape[1] == 1 && shape[2] >= t.keys && shape[3] >= t.keys && past >= 0) {
        float* to = mask.values.data();
        for (std::int64_t row = 0; row < t.batch * t.queries; ++row) {
            const std::int64_t from = (row / t.queries * shape[2] + past + row % t.queries) * shape[3];
            for (std::int64_t key = 0; key < t.keys; ++key) *to++ = given[static_cast<std::size_t>(from + key)] ? 0.0F : masked;
        }
    } else {
        context.reject(
            format("a mask of shape {} fits no batch of {} with {} queries and {} keys", shape.to_string(), t.batch, t.queries, t.keys));
    }
    mask.rows = {mask.values.data(), rows * t.keys, 0, rows > 1 ? t.keys : 0};
    return mask;
}

/// A bias [batch or 1, heads or 1, queries, keys].
HeadRows attention_bias(const KernelContext& context, int index, const AttentionTask& t) {
    if (!context.has_input(index)) return {};
    const Shape& shape = context.input(index).shape();
    const bool fits = shape.rank() == 4 && (shape[0] == 1 || shape[0] == t.batch) && (shape[1] == 1 || shape[1] == t.heads) &&
                      shape[2] == t.queries && shape[3] == t.keys;
    if (!fits) context.reject(format("an attention bias of shape {} does not fit", shape.to_string()));
    const std::int64_t head = t.queries * t.keys;
    return {context.input(index).data<float>(), shape[0] == 1 ? 0 : shape[1] * head, shape[1] == 1 ? 0 : head, t.keys};
}

/// What a node's attributes say of the task.
void apply_attributes(const MicrosoftAttentionAttrs& a, AttentionTask& t) {
    t.scale = a.scale ? static_cast<double>(*a.scale) : 1.0 / std::sqrt(static_cast<double>(t.size));
    if (a.order == MicrosoftAttentionAttrs::Order::Causal)
        t.position.assign(static_cast<std::size_t>(t.batch), std::max<std::int64_t>(0, t.keys - t.queries));
}

void add_bias(const KernelContext& context, const Tensor& bias, Tensor& rows) {
    if (!bias.defined()) return;
    const std::int64_t width = rows.shape()[rows.shape().rank() - 1];
    if (bias.element_count() != width)
        context.reject(format("a bias of shape {} does not fit {} columns", bias.shape().to_string(), width));
    const float* added = bias.data<float>();
    float* to = rows.mutable_data<float>();
    for (const float* end = to + rows.element_count(); to != end; to += width)
        for (std::int64_t column = 0; column < width; ++column) to[column] += added[column];
}

/// Queries and keys turned by their position, with the angles position / 10000^(i / pairs).
void rotate_projected(const KernelContext& context, const MicrosoftAttentionAttrs& a, const AttentionTask& t, std::int64_t past,
                      std::int64_t width, Tensor& projected) {
    if (a.rotation == MicrosoftAttentionAttrs::Rotation::None) return;
    const std::int64_t pairs = (a.rotary_size > 0 ? a.rotary_size : t.size) / 2, steps = t.queries;
    if (2 * pairs > t.size) context.reject(format("{} channels of a head cannot turn", 2 * pairs));
    Tensor cosines(DType::Float32, Shape{past + steps, pairs}), sines(DType::Float32, Shape{past + steps, pairs});
    for (std::int64_t at = 0; at < cosines.element_count(); ++at) {
        const double angle =
            static_cast<double>(at / pairs) * std::pow(10000.0, -static_cast<double>(at % pairs) / static_cast<double>(pairs));
        cosines.mutable_data<float>()[at] = static_cast<float>(std::cos(angle));
        sines.mutable_data<float>()[at] = static_cast<float>(std::sin(angle));
    }
    const RotaryCache cache(context, cosines, sines, RotaryPairs::Halves);
    std::vector<float> turned(static_cast<std::size_t>(t.size));
    float* values = projected.mutable_data<float>();
    for (std::int64_t row = 0; row < t.batch * steps; ++row)
        for (std::int64_t head = 0; head < 2 * t.heads; ++head) {
            float* at = values + row * width + head * t.size;
            cache.turn(context, at, t.size, past + row % steps, turned.data());
            std::copy(turned.begin(), turned.end(), at);
        }
}

struct ProjectedIndices {
    int mask, past, bias;  // -1: the operator has none
};

/// Attention of queries, keys and values that lie side by side in [batch, steps, width].
void attend_projected(const KernelContext& context, const MicrosoftAttentionAttrs& a, Tensor projected, const ProjectedIndices& at) {
    const std::int64_t batch = projected.shape()[0], steps = projected.shape()[1], width = projected.shape()[2];
    std::vector<std::int64_t> hidden = a.hidden_sizes;
    if (hidden.empty()) hidden.assign(3, width / 3);
    if (hidden[0] != hidden[1] || hidden[0] + hidden[1] + hidden[2] != width || hidden[0] % a.heads != 0 || hidden[2] % a.heads != 0)
        context.reject(format("{} columns do not make queries, keys and values of {} heads", width, a.heads));
    AttentionTask t;
    t.batch = batch, t.heads = a.heads, t.kv_heads = a.heads, t.queries = steps;
    t.size = hidden[0] / a.heads, t.value_size = hidden[2] / a.heads;
    const Tensor& past = at.past < 0 ? Tensor{} : context.input(at.past);
    std::int64_t past_steps = 0;
    if (past.defined()) {
        const Shape& shape = past.shape();
        if (shape.rank() != 5 || shape[0] != 2 || shape[1] != batch || shape[2] != a.heads || shape[4] != t.size || t.size != t.value_size)
            context.reject(format("a past of shape {} does not fit", shape.to_string()));
        past_steps = shape[3];
    }
    rotate_projected(context, a, t, past_steps, width, projected);
    t.keys = past_steps + steps;
    const float* base = projected.data<float>();
    const auto rows = [&](std::int64_t offset, std::int64_t size) { return HeadRows{base + offset, steps * width, size, width}; };
    const std::int64_t half = past.defined() ? past.element_count() / 2 : 0;
    const float* before = past.defined() ? past.data<float>() : nullptr;
    const Tensor keys = appended(context, before, past_steps, rows(hidden[0], t.size), Shape{batch, a.heads, t.keys, t.size});
    const Tensor values = appended(context, before ? before + half : nullptr, past_steps, rows(hidden[0] + hidden[1], t.value_size),
                                   Shape{batch, a.heads, t.keys, t.value_size});
    t.q = rows(0, t.size), t.k = whole(keys), t.v = whole(values);
    apply_attributes(a, t);
    const PaddingMask mask = padding_mask(context, at.mask, t, a.masked);
    t.mask = mask.rows;
    if (at.bias >= 0) t.bias = attention_bias(context, at.bias, t);
    attend(context, t, context.make_output(0, DType::Float32, Shape{batch, steps, hidden[2]}).mutable_data<float>());
    if (!context.wants_output(1)) return;
    if (t.size != t.value_size) context.reject("keys and values of different sizes have no common past");
    float* present = context.make_output(1, DType::Float32, Shape{2, batch, a.heads, t.keys, t.size}).mutable_data<float>();
    present = std::copy_n(keys.data<float>(), keys.element_count(), present);
    std::copy_n(values.data<float>(), values.element_count(), present);
}

void check_projection(const KernelContext& context) {
    if (context.required(0).shape().rank() != 3 || context.required(1).shape().rank() != 2)
        context.reject("expected an input [batch, steps, hidden] and weights of rank 2");
}

void attention(const KernelContext& context) {
    const auto a = attrs<MicrosoftAttentionAttrs>(context.node);
    check_projection(context);
    refuse_shared_buffers(context, {6});
    check_floats(context, {0, 1, 2, 4, 5});
    const Tensor inputs[] = {context.input(0), context.input(1)};
    Tensor projected = run_standard(context, "MatMul", inputs)[0];
    add_bias(context, context.input(2), projected);
    attend_projected(context, a, std::move(projected), {3, 4, 5});
}

/// input, weight, bias, input scale, weight scale, mask, input zero point, weight zero point, past.
void quantized_attention(const KernelContext& context) {
    const auto a = attrs<MicrosoftAttentionAttrs>(context.node);
    check_projection(context);
    check_floats(context, {2, 3, 4, 8});
    const Tensor inputs[] = {context.input(0), context.input(1), context.input(6), context.input(7)};
    const Tensor sums = run_standard(context, "MatMulInteger", inputs)[0];
    if (context.required(3).element_count() != 1) context.reject("the input's scale is not one number");
    context.required(2);
    Tensor projected = scaled_sums(context, sums, context.input(3).data<float>()[0], 4, 2);
    attend_projected(context, a, std::move(projected), {5, 8, -1});
}

/// One of query, key and value of MultiHeadAttention as it is given, its bias added.
struct HeadSource {
    Tensor tensor;
    HeadRows rows;
    std::int64_t steps = 0, size = 0;
};

/// [batch, steps, heads·size], [batch, heads, steps, size], or part `part` of `parts` of [batch, steps, heads, parts, size].
HeadSource head_source(const KernelContext& context, const Tensor& given, std::int64_t heads, std::int64_t part, std::int64_t parts) {
    const Shape& shape = given.shape();
    HeadSource source{given, {}, 0, 0};
    const float* data = given.data<float>();
    if (shape.rank() == 5 && shape[2] == heads && shape[3] == parts) {
        source.steps = shape[1], source.size = shape[4];
        source.rows = {data + part * shape[4], shape[1] * heads * parts * shape[4], parts * shape[4], heads * parts * shape[4]};
    } else if (shape.rank() == 4 && shape[1] == heads) {
        source.steps = shape[2], source.size = shape[3];
        source.rows = whole(given);
    } else if (shape.rank() == 3 && shape[2] % heads == 0) {
        source.steps = shape[1], source.size = shape[2] / heads;
        source.rows = {data, shape[1] * shape[2], source.size, shape[2]};
    } else {
        context.reject(format("a query, key or value of shape {} does not fit {} heads", shape.to_string(), heads));
    }
    return source;
}

/// The source with `bias` [heads·size] added, as [batch, heads, steps, size].
void add_head_bias(const KernelContext& context, HeadSource& source, std::int64_t batch, std::int64_t heads, const float* bias) {
    if (!bias) return;
    Tensor sum = appended(context, nullptr, 0, source.rows, Shape{batch, heads, source.steps, source.size});
    float* to = sum.mutable_data<float>();
    for (std::int64_t row = 0; row < batch * heads * source.steps; ++row)
        for (std::int64_t i = 0; i < source.size; ++i) *to++ += bias[row / source.steps % heads * source.size + i];
    source.tensor = std::move(sum);
    source.rows = whole(source.tensor);
}

struct HeadSources {
    HeadSource q, k, v;
};

HeadSources head_sources(const KernelContext& context, std::int64_t heads) {
    const Tensor &query = context.required(0), &key = context.input(1);
    if (query.shape().rank() == 5)
        return {head_source(context, query, heads, 0, 3), head_source(context, query, heads, 1, 3),
                head_source(context, query, heads, 2, 3)};
    if (query.shape().rank() != 3) context.reject(format("the query has shape {}", query.shape().to_string()));
    const HeadSource q = head_source(context, query, heads, 0, 1);
    if (context.required(1).shape().rank() == 5) return {q, head_source(context, key, heads, 0, 2), head_source(context, key, heads, 1, 2)};
    return {q, head_source(context, key, heads, 0, 1), head_source(context, context.required(2), heads, 0, 1)};
}

void add_biases(const KernelContext& context, std::int64_t batch, std::int64_t heads, HeadSources& s) {
    if (!context.has_input(3)) return;
    const std::int64_t q = heads * s.q.size, k = heads * s.k.size, v = heads * s.v.size;
    const float* bias = context.input(3).data<float>();
    if (context.input(3).element_count() != q + k + v)
        context.reject(format("the bias has shape {}", context.input(3).shape().to_string()));
    add_head_bias(context, s.q, batch, heads, bias);
    // Keys and values that are a past state have their bias in them.
    if (context.has_input(1) && context.input(1).shape().rank() == 4) return;
    add_head_bias(context, s.k, batch, heads, bias + q);
    add_head_bias(context, s.v, batch, heads, bias + q + k);
}

void multi_head_attention(const KernelContext& context) {
    const auto a = attrs<MicrosoftAttentionAttrs>(context.node);
    refuse_shared_buffers(context, {8, 9});
    check_floats(context, {0, 1, 2, 3, 5, 6, 7});
    HeadSources s = head_sources(context, a.heads);
    const std::int64_t batch = context.input(0).shape()[0];
    if (s.q.size != s.k.size || s.k.steps != s.v.steps || s.k.tensor.shape()[0] != batch || s.v.tensor.shape()[0] != batch)
        context.reject("query, key and value do not fit each other");
    add_biases(context, batch, a.heads, s);
    AttentionTask t;
    t.batch = batch, t.heads = a.heads, t.kv_heads = a.heads, t.queries = s.q.steps, t.size = s.q.size, t.value_size = s.v.size;
    std::int64_t past = 0;
    for (const auto& [index, size] : {std::pair{6, t.size}, {7, t.value_size}}) {
        if (!context.has_input(index)) continue;
        const Shape& shape = context.input(index).shape();
        if (shape.rank() != 4 || shape[0] != batch || shape[1] != a.heads || shape[3] != size || (index == 7 && shape[2] != past))
            context.reject(format("a past of shape {} does not fit", shape.to_string()));
        past = shape[2];
    }
    if (context.has_input(6) != context.has_input(7)) context.reject("past key and past value come together");
    t.keys = past + s.k.steps;
    const Tensor keys =
        appended(context, past > 0 ? context.input(6).data<float>() : nullptr, past, s.k.rows, Shape{batch, a.heads, t.keys, t.size});
    const Tensor values =
        appended(context, past > 0 ? context.input(7).data<float>() : nullptr, past, s.v.rows, Shape{batch, a.heads, t.keys, t.value_size});
    t.q = s.q.rows, t.k = whole(keys), t.v = whole(values);
    apply_attributes(a, t);
    const PaddingMask mask = padding_mask(context, 4, t, a.masked);
    t.mask = mask.rows;
    t.bias = attention_bias(context, 5, t);
    t.score_step = t.keys;
    if (context.wants_output(3))
        t.raw_scores = context.make_output(3, DType::Float32, Shape{batch, a.heads, t.queries, t.keys}).mutable_data<float>();
    attend(context, t, context.make_output(0, DType::Float32, Shape{batch, t.queries, a.heads * t.value_size}).mutable_data<float>());
    if (context.wants_output(1)) context.set_output(1, keys);
    if (context.wants_output(2)) context.set_output(2, values);
}

constexpr std::string_view kDomain = "com.microsoft";

// clang-format off
constexpr KernelRow kRows[] = {
    {kDomain, "Attention", widened<attention>},
    {kDomain, "MultiHeadAttention", widened<multi_head_attention>},
    {kDomain, "QAttention", widened<quantized_attention>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> microsoft_attention_kernels() { return kRows; }

}  // namespace mcompress::reference
