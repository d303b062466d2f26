// Attention of ai.onnx: grouped queries, masks, past keys and values.
#include "engine/reference/attention.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "engine/reference/broadcast.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/transformer.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress::reference {

namespace {

/// Q, K or V as heads: element (b, h, row, i) is at b·batch + h·head + row·row_step + i.
struct HeadView {
    std::int64_t batch = 0, heads = 0, rows = 0, size = 0;
    std::int64_t batch_step = 0, head_step = 0, row_step = 0;

    std::int64_t at(std::int64_t b, std::int64_t h, std::int64_t row) const { return b * batch_step + h * head_step + row * row_step; }
};

HeadView heads_of(const KernelContext& context, const Shape& shape, const std::optional<std::int64_t>& heads) {
    if (shape.rank() == 4) return {shape[0], shape[1], shape[2], shape[3], shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3]};
    if (shape.rank() != 3 || !heads || shape[2] % *heads != 0)
        context.reject(format("{} is not a tensor of {} heads", shape.to_string(), heads.value_or(0)));
    const std::int64_t size = shape[2] / *heads;
    return {shape[0], *heads, shape[1], size, shape[1] * shape[2], size, shape[2]};
}

/// [batch, heads, past rows + rows, size]: the keys or values with the past ones in front.
template <typename T> Tensor with_past(const KernelContext& context, const Tensor& current, const HeadView& view, const Tensor& past) {
    std::int64_t past_rows = 0;
    if (past.defined()) {
        const Shape& shape = past.shape();
        if (shape.rank() != 4 || shape[0] != view.batch || shape[1] != view.heads || shape[3] != view.size ||
            past.dtype() != current.dtype())
            context.reject(format("a past of shape {} does not fit", shape.to_string()));
        past_rows = shape[2];
    } else if (current.shape().rank() == 4) {
        return current;
    }
    const Shape shape{view.batch, view.heads, past_rows + view.rows, view.size};
    context.check_size(current.dtype(), shape);
    Tensor result = Tensor::uninitialized(current.dtype(), shape);
    T* to = result.mutable_data<T>();
    for (std::int64_t b = 0; b < view.batch; ++b)
        for (std::int64_t h = 0; h < view.heads; ++h) {
            if (past_rows > 0) to = std::copy_n(past.data<T>() + (b * view.heads + h) * past_rows * view.size, past_rows * view.size, to);
            for (std::int64_t row = 0; row < view.rows; ++row) to = std::copy_n(current.data<T>() + view.at(b, h, row), view.size, to);
        }
    return result;
}

/// What is added to the scores: numbers of T (minus infinity for what a bool mask forbids), read with broadcast steps.
template <typename T> struct Mask {
    Tensor values;  // undefined: nothing is added
    std::int64_t batch_step = 0, head_step = 0, row_step = 0, columns = std::numeric_limits<std::int64_t>::max();

    const T* row(std::int64_t b, std::int64_t h, std::int64_t i) const {
        return values.defined() ? values.data<T>() + b * batch_step + h * head_step + i * row_step : nullptr;
    }
};

template <typename T> Mask<T> read_mask(const KernelContext& context, const Shape& scores) {
    Mask<T> mask;
    if (!context.has_input(3)) return mask;
    const Tensor& given = context.input(3);
    const Shape& shape = given.shape();
    if (shape.rank() < 1 || shape.rank() > 4) context.reject(format("a mask of shape {}", shape.to_string()));
    mask.columns = shape[shape.rank() - 1];
    if (mask.columns > scores[3]) context.reject(format("a mask of shape {} for {} keys", shape.to_string(), scores[3]));
    const Shape wanted{scores[0], scores[1], scores[2], mask.columns};
    const auto together = broadcast(shape, wanted);
    if (!together || *together != wanted) context.reject(format("a mask of shape {} for scores {}", shape.to_string(), scores.to_string()));
    const Strides steps = broadcast_strides(shape, wanted);
    mask.batch_step = steps[0], mask.head_step = steps[1], mask.row_step = steps[2];
    mask.values = Tensor::uninitialized(dtype_of<T>, shape);
    T* to = mask.values.template mutable_data<T>();
    const bool allows = given.dtype() == DType::Bool;
    dispatch(TypeList<bool, float, double, std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t,
                      std::uint32_t, std::uint64_t>{},
             context, given.dtype(), [&]<typename M>() {
                 for (std::int64_t i = 0; i < given.element_count(); ++i)
                     to[i] = !allows ? static_cast<T>(given.data<M>()[i]) : given.data<M>()[i] ? T{0} : -std::numeric_limits<T>::infinity();
             });
    return mask;
}

/// Everything the computation of a block of rows reads.
template <typename T> struct Problem {
    AttentionAttrs attributes;
    HeadView q;
    Tensor queries, keys, values;  // keys [batch, kv heads, size, keys] transposed, values [batch, kv heads, keys, size]
    Mask<T> mask;
    std::vector<std::int64_t> valid_keys, causal_offset;  // one a sample
    std::int64_t kv_heads = 0, key_count = 0, v_size = 0;
    T scale{};
};

/// Number of keys that the row may attend to, before the mask.
template <typename T> std::int64_t frontier(const Problem<T>& p, std::int64_t b, std::int64_t row) {
    std::int64_t end = std::min(p.valid_keys[static_cast<std::size_t>(b)], p.mask.columns);
    if (p.attributes.causality == AttentionAttrs::Causality::Causal)
        end = std::min(end, row + p.causal_offset[static_cast<std::size_t>(b)] + 1);
    return std::clamp<std::int64_t>(end, 0, p.key_count);
}

using Scores = AttentionAttrs::Scores;

/// Products of one row as scores, in place. `debug`, when given, receives the wanted stage. What the row does not attend to is minus infinity.
template <typename T> void finish_row(const Problem<T>& p, std::int64_t b, std::int64_t h, std::int64_t row, T* scores, T* debug) {
    const auto keep = [&](Scores stage) {
        if (debug && p.attributes.scores == stage) std::copy_n(scores, p.key_count, debug);
    };
    keep(Scores::Product);
    if (const T cap = static_cast<T>(p.attributes.softcap); cap > 0)
        for (std::int64_t j = 0; j < p.key_count; ++j) scores[j] = std::tanh(scores[j] / cap) * cap;
    keep(Scores::Capped);
    const std::int64_t end = frontier(p, b, row);
    if (const T* added = p.mask.row(b, h, row))
        for (std::int64_t j = 0; j < end; ++j)
            scores[j] = added[j] == -std::numeric_limits<T>::infinity() ? added[j] : scores[j] + added[j];
    std::fill(scores + end, scores + p.key_count, -std::numeric_limits<T>::infinity());
    keep(Scores::Masked);
}

/// c = a · b for matrices whose rows lie one after the other.
template <typename T>
void multiply(const KernelContext& context, const ProductSizes& sizes, const T* a, std::int64_t a_step, const T* b, T* c,
              std::int64_t c_step) {
    if constexpr (std::is_same_v<T, float>)
        if (context.routines) return context.routines->multiply(sizes, {a, a_step}, {b, sizes.columns}, 1.0F, c, c_step, 1);
    multiply_rows(a, a_step, sizes.rows, sizes.inner, b, sizes.columns, sizes.columns, c, c_step);
}

template <typename T> void attend(const KernelContext& context, const Problem<T>& p, T* y, const HeadView& out, T* debug) {
    const std::int64_t block = context.routines ? kRoutineRows : kAttentionRows;
    const std::int64_t blocks = (p.q.rows + block - 1) / block, group = p.q.heads / std::max<std::int64_t>(p.kv_heads, 1);
    const std::int64_t tasks = p.q.batch * p.q.heads * blocks, work = tasks * block * p.key_count * (p.q.size + p.v_size);
    const auto attend_rows = [&](std::int64_t index) {
        const std::int64_t h = index / blocks % p.q.heads, b = index / blocks / p.q.heads, first = index % blocks * block;
        const std::int64_t rows = std::min(block, p.q.rows - first), kv = b * p.kv_heads + h / group;
        std::vector<T> queries(static_cast<std::size_t>(rows * p.q.size)), scores(static_cast<std::size_t>(rows * p.key_count));
        for (std::int64_t r = 0; r < rows; ++r) {
            const T* from = p.queries.template data<T>() + p.q.at(b, h, first + r);
            std::transform(from, from + p.q.size, queries.begin() + r * p.q.size, [&](T value) { return value * p.scale; });
        }
        multiply(context, {rows, p.q.size, p.key_count}, queries.data(), p.q.size, p.keys.template data<T>() + kv * p.q.size * p.key_count,
                 scores.data(), p.key_count);
        std::int64_t reach = 0;
        const auto wanted = [&](std::int64_t r) {
            return debug ? debug + ((b * p.q.heads + h) * p.q.rows + first + r) * p.key_count : nullptr;
        };
        for (std::int64_t r = 0; r < rows; ++r) {
            finish_row(p, b, h, first + r, scores.data() + r * p.key_count, wanted(r));
            reach = std::max(reach, frontier(p, b, first + r));
        }
        softmax_rows(context.routines, scores.data(), rows, p.key_count);
        for (std::int64_t r = 0; debug && p.attributes.scores == Scores::Probabilities && r < rows; ++r)
            std::copy_n(scores.data() + r * p.key_count, p.key_count, wanted(r));
        multiply(context, {rows, reach, p.v_size}, scores.data(), p.key_count, p.values.template data<T>() + kv * p.key_count * p.v_size,
                 y + out.at(b, h, first), out.row_step);
    };
    const int threads = work > (std::int64_t{1} << 18) ? context.threads : 1;
    if (context.routines) return context.routines->for_each(tasks, threads, attend_rows);
    parallel_for(static_cast<std::size_t>(tasks), threads, [&](int, std::size_t task) { attend_rows(static_cast<std::int64_t>(task)); });
}

/// [.., keys, size] → [.., size, keys] for every head: rows of keys can then be added up side by side.
template <typename T> Tensor transposed(const KernelContext& context, const Tensor& keys) {
    const std::int64_t count = keys.shape()[2], size = keys.shape()[3], heads = keys.shape().product(0, 2);
    Tensor result = Tensor::uninitialized(keys.dtype(), Shape{keys.shape()[0], keys.shape()[1], size, count});
    const T* from = keys.data<T>();
    T* to = result.mutable_data<T>();
    parallel_for(static_cast<std::size_t>(heads), keys.element_count() > (1 << 16) ? context.threads : 1, [&](int, std::size_t head) {
        const std::int64_t base = static_cast<std::int64_t>(head) * count * size;
        constexpr std::int64_t kTile = 32;
        for (std::int64_t j0 = 0; j0 < count; j0 += kTile)
            for (std::int64_t i = 0; i < size; ++i)
                for (std::int64_t j = j0; j < std::min(count, j0 + kTile); ++j) to[base + i * count + j] = from[base + j * size + i];
    });
    return result;
}

/// Valid keys and the causal offset of every sample: behind the past, or at the end of an external cache.
template <typename T> void place_queries(const KernelContext& context, Problem<T>& p) {
    const bool has_past = context.has_input(4), has_lengths = context.has_input(6);
    if (has_past != context.has_input(5)) context.reject("past keys and past values go together");
    if (has_past && has_lengths) context.reject("nonpad_kv_seqlen does not go with a past");
    const auto batch = static_cast<std::size_t>(p.q.batch);
    p.valid_keys.assign(batch, p.key_count);
    p.causal_offset.assign(batch, has_past ? context.input(4).shape()[2] : 0);
    if (!has_lengths) return;
    p.valid_keys = integers(context, context.input(6));
    if (p.valid_keys.size() != batch) context.reject(format("{} valid lengths for {} samples", p.valid_keys.size(), batch));
    for (std::size_t b = 0; b < batch; ++b) {
        if (p.valid_keys[b] < 0 || p.valid_keys[b] > p.key_count)
            context.reject(format("{} valid keys of {}", p.valid_keys[b], p.key_count));
        p.causal_offset[b] = p.valid_keys[b] - p.q.rows;
    }
}

template <typename T> void run_attention(const KernelContext& context) {
    Problem<T> p;
    p.attributes = attrs<AttentionAttrs>(context.node);
    const Tensor &q = context.required(0), &k = context.required(1), &v = context.required(2);
    if (k.dtype() != q.dtype() || v.dtype() != q.dtype()) context.reject("queries, keys and values of different types");
    p.q = heads_of(context, q.shape(), p.attributes.q_heads);
    const HeadView keys = heads_of(context, k.shape(), p.attributes.kv_heads), values = heads_of(context, v.shape(), p.attributes.kv_heads);
    if (keys.batch != p.q.batch || values.batch != p.q.batch || keys.size != p.q.size || keys.heads != values.heads ||
        (keys.heads == 0 ? p.q.heads != 0 : p.q.heads % keys.heads != 0))
        context.reject(
            format("queries {}, keys {} and values {} do not fit", q.shape().to_string(), k.shape().to_string(), v.shape().to_string()));
    const Tensor present_keys = with_past<T>(context, k, keys, context.input(4)),
                 present_values = with_past<T>(context, v, values, context.input(5));
    p.queries = q;
    p.values = present_values;
    p.kv_heads = keys.heads, p.key_count = present_keys.shape()[2], p.v_size = values.size;
    if (present_values.shape()[2] != p.key_count) context.reject("keys and values differ in number");
    p.scale = p.attributes.scale ? static_cast<T>(*p.attributes.scale) : static_cast<T>(1.0 / std::sqrt(static_cast<double>(p.q.size)));
    place_queries(context, p);
    const Shape scores{p.q.batch, p.q.heads, p.q.rows, p.key_count};
    p.mask = read_mask<T>(context, scores);
    p.keys = transposed<T>(context, present_keys);
    const bool is_packed = q.shape().rank() == 3;
    const Shape y_shape = is_packed ? Shape{p.q.batch, p.q.rows, p.q.heads * p.v_size} : Shape{p.q.batch, p.q.heads, p.q.rows, p.v_size};
    T* y = context.make_output(0, q.dtype(), y_shape).template mutable_data<T>();
    if (context.wants_output(1)) context.set_output(1, present_keys);
    if (context.wants_output(2)) context.set_output(2, present_values);
    T* debug = context.wants_output(3) ? context.make_output(3, q.dtype(), scores).template mutable_data<T>() : nullptr;
    attend(context, p, y, heads_of(context, y_shape, is_packed ? std::optional(p.q.heads) : std::nullopt), debug);
}

void attention(const KernelContext& context) {
    dispatch(Floats{}, context, context.required(0).dtype(), [&]<typename T>() { run_attention<T>(context); });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Attention", widened<attention>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> attention_kernels() { return kRows; }

}  // namespace mcompress::reference
