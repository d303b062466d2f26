// com.microsoft GroupQueryAttention: heads of the query share keys, which live in a cache.
#include <algorithm>
#include <cmath>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/rotary.h"
#include "engine/reference/scaled_attention.h"
#include "ops/microsoft.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

enum Input {
    kQuery,
    kKey,
    kValue,
    kPastKey,
    kPastValue,
    kLengths,
    kLongest,
    kCosines,
    kSines,
    kPositions,
    kBias,
    kSink,
    kKeyScale,
    kValueScale,
    kQueryNorm,
    kKeyNorm
};

/// Shapes, and how long every sample is.
struct GroupSizes {
    std::int64_t batch, steps, heads, kv_heads, size = 0, longest = 0, past_rows = 0, rows = 0;
    bool is_packed;
    std::vector<std::int64_t> total;  // keys of a sample, the new ones included

    GroupSizes(const KernelContext& context, const MicrosoftAttentionAttrs& a) : heads(a.heads), kv_heads(a.kv_heads) {
        const Shape& query = context.required(kQuery).shape();
        if (query.rank() != 3) context.reject(format("the query has shape {}", query.to_string()));
        batch = query[0];
        steps = query[1];
        is_packed = !context.has_input(kKey);
        const std::int64_t columns = is_packed ? heads + 2 * kv_heads : heads;
        size = query[2] / columns;
        if (size < 1 || query[2] != size * columns) context.reject(format("{} columns do not make {} heads", query[2], columns));
        if (!is_packed) {
            const Shape wanted{batch, steps, kv_heads * size};
            if (context.input(kKey).shape() != wanted || context.required(kValue).shape() != wanted)
                context.reject(format("key and value should have shape {}", wanted.to_string()));
        }
        read_past(context);
        read_lengths(context);
    }

    void read_past(const KernelContext& context) {
        if (context.has_input(kPastKey) != context.has_input(kPastValue)) context.reject("past key and past value come together");
        if (!context.has_input(kPastKey)) return;
        const Shape& past = context.input(kPastKey).shape();
        if (past.rank() != 4 || past[0] != batch || past[1] != kv_heads || past[3] != size || context.input(kPastValue).shape() != past)
            context.reject(format("a past of shape {} does not fit", past.to_string()));
        past_rows = past[2];
    }

    void read_lengths(const KernelContext& context) {
        longest = integer(context, context.required(kLongest));
        total = integers(context, context.required(kLengths));
        if (static_cast<std::int64_t>(total.size()) != batch) context.reject(format("{} lengths for a batch of {}", total.size(), batch));
        if (longest < steps) context.reject(format("a total length of {} with {} new steps", longest, steps));
        rows = std::max(longest, past_rows);
        const bool is_prompt = steps == longest;
        for (std::int64_t& length : total) {
            ++length;  // given without the newest key
            const bool fits = length >= 1 && length <= longest && (is_prompt || (length >= steps && length - steps <= past_rows));
            if (!fits) context.reject(format("a sequence length of {} does not fit", length));
        }
    }

    /// Keys that were there before; a prompt starts at 0, however it is padded.
    std::int64_t past(std::int64_t b) const { return steps == longest ? 0 : total[static_cast<std::size_t>(b)] - steps; }
};

/// Query, key and value heads in one tensor [batch, steps, heads + 2 kv_heads, size].
Tensor packed_heads(const KernelContext& context, const GroupSizes& g) {
    if (g.is_packed) return context.input(kQuery);
    Tensor packed = Tensor::uninitialized(DType::Float32, Shape{g.batch, g.steps, (g.heads + 2 * g.kv_heads) * g.size});
    float* to = packed.mutable_data<float>();
    for (std::int64_t row = 0; row < g.batch * g.steps; ++row)
        for (const int part : {kQuery, kKey, kValue}) {
            const std::int64_t width = (part == kQuery ? g.heads : g.kv_heads) * g.size;
            to = std::copy_n(context.input(part).data<float>() + row * width, width, to);
        }
    return packed;
}

void normalize_head(float* head, std::int64_t size, const float* weight, double epsilon) {
    double squares = 0.0;
    for (std::int64_t i = 0; i < size; ++i) squares += static_cast<double>(head[i]) * static_cast<double>(head[i]);
    const double factor = 1.0 / std::sqrt(squares / static_cast<double>(size) + epsilon);
    for (std::int64_t i = 0; i < size; ++i)
        head[i] = static_cast<float>(static_cast<double>(head[i]) * factor * static_cast<double>(weight[i]));
}

/// RMS normalization of query and key heads by a weight each.
void normalize_heads(const KernelContext& context, const MicrosoftAttentionAttrs& a, const GroupSizes& g, Tensor& packed) {
    if (!context.has_input(kQueryNorm) && !context.has_input(kKeyNorm)) return;
    for (const int index : {kQueryNorm, kKeyNorm})
        if (context.required(index).element_count() != g.size) context.reject("a norm weight does not have the size of a head");
    float* head = packed.mutable_data<float>();
    for (std::int64_t row = 0; row < g.batch * g.steps; ++row, head += g.kv_heads * g.size)
        for (std::int64_t h = 0; h < g.heads + g.kv_heads; ++h, head += g.size)
            normalize_head(head, g.size, context.input(h < g.heads ? kQueryNorm : kKeyNorm).data<float>(),
                           static_cast<double>(a.qk_norm_epsilon));
}

/// Query and key heads turned by their positions: those given, or where a step stands in its sample.
void rotate_heads(const KernelContext& context, const MicrosoftAttentionAttrs& a, const GroupSizes& g, Tensor& packed) {
    if (a.rotation == MicrosoftAttentionAttrs::Rotation::None) return;
    const RotaryCache cache(context, context.required(kCosines), context.required(kSines),
                            a.rotation == MicrosoftAttentionAttrs::Rotation::Halves ? RotaryPairs::Halves : RotaryPairs::Interleaved);
    std::vector<std::int64_t> given;
    if (context.has_input(kPositions)) given = integers(context, context.input(kPositions));
    if (!given.empty() && static_cast<std::int64_t>(given.size()) != g.batch * g.steps)
        context.reject("the positions do not fit the query");
    std::vector<float> turned(static_cast<std::size_t>(g.size));
    float* head = packed.mutable_data<float>();
    for (std::int64_t b = 0; b < g.batch; ++b)
        for (std::int64_t s = 0; s < g.steps; ++s, head += g.kv_heads * g.size) {
            // A step of padding stands nowhere; it turns like the last one that does.
            const std::int64_t own = std::min(g.past(b) + s, cache.positions - 1);
            const std::int64_t position = given.empty() ? own : given[static_cast<std::size_t>(b * g.steps + s)];
            for (std::int64_t h = 0; h < g.heads + g.kv_heads; ++h, head += g.size) {
                cache.turn(context, head, g.size, position, turned.data());
                std::copy(turned.begin(), turned.end(), head);
            }
        }
}

constexpr std::int64_t kWorthThreads = std::int64_t{1} << 16;  // elements to copy

/// The cache after this step, [batch, kv_heads, rows, size]; rows that hold nothing are 0.
Tensor updated_cache(const KernelContext& context, const GroupSizes& g, const Tensor& past, const HeadRows& fresh) {
    const Shape shape{g.batch, g.kv_heads, g.rows, g.size};
    context.check_size(DType::Float32, shape);
    Tensor cache = Tensor::uninitialized(DType::Float32, shape);
    float* const first = cache.mutable_data<float>();
    const std::int64_t head = g.rows * g.size, tasks = g.batch * g.kv_heads;
    const auto fill_head = [&](std::int64_t task) {
        const std::int64_t b = task / g.kv_heads, h = task % g.kv_heads, kept = g.past(b);
        float* to = first + task * head;
        if (kept > 0) to = std::copy_n(past.data<float>() + task * g.past_rows * g.size, kept * g.size, to);
        for (std::int64_t s = 0; s < g.steps; ++s) to = std::copy_n(fresh.row(b, h, s), g.size, to);
        std::fill(to, first + (task + 1) * head, 0.0F);
    };
    const int threads = cache.element_count() > kWorthThreads ? context.threads : 1;
    if (context.routines) context.routines->for_each(tasks, threads, fill_head);
    else
        for (std::int64_t task = 0; task < tasks; ++task) fill_head(task);
    return cache;
}

void read_extras(const KernelContext& context, const MicrosoftAttentionAttrs& a, const GroupSizes& g, AttentionTask& t) {
    if (a.smooth_softmax) t.sinks.assign(static_cast<std::size_t>(g.heads), 0.0);
    if (context.has_input(kSink)) {
        const Tensor& sink = context.input(kSink);
        if (sink.element_count() != g.heads) context.reject("head_sink does not have one number a head");
        t.sinks.assign(sink.values<float>().begin(), sink.values<float>().end());
    }
    if (context.has_input(kBias)) {
        const Shape& shape = context.input(kBias).shape();
        if (shape.rank() != 4 || (shape[0] != 1 && shape[0] != g.batch) || (shape[1] != 1 && shape[1] != g.heads) || shape[2] != g.steps ||
            shape[3] < g.longest)
            context.reject(format("an attention bias of shape {} does not fit", shape.to_string()));
        const std::int64_t head = shape[2] * shape[3];
        t.bias = {context.input(kBias).data<float>(), shape[0] == 1 ? 0 : shape[1] * head, shape[1] == 1 ? 0 : head, shape[3]};
    }
    using Output = MicrosoftAttentionAttrs::ScoreOutput;
    if (a.scores == Output::None || !context.wants_output(3)) return;
    t.score_step = g.longest;
    float* scores = context.make_output(3, DType::Float32, Shape{g.batch, g.heads, g.steps, g.longest}).mutable_data<float>();
    (a.scores == Output::BeforeSoftmax ? t.raw_scores : t.probabilities) = scores;
}

void group_query_attention(const KernelContext& context) {
    const auto a = attrs<MicrosoftAttentionAttrs>(context.node);
    for (const int index : {kQuery, kKey, kValue, kPastKey, kPastValue, kBias, kSink, kQueryNorm, kKeyNorm})
        if (context.has_input(index) && context.input(index).dtype() != DType::Float32) context.reject_dtype(context.input(index).dtype());
    const GroupSizes g(context, a);
    Tensor packed = packed_heads(context, g);
    normalize_heads(context, a, g, packed);
    rotate_heads(context, a, g, packed);
    const std::int64_t width = (g.heads + 2 * g.kv_heads) * g.size;
    const auto part = [&](std::int64_t first_head) {
        return HeadRows{packed.data<float>() + first_head * g.size, g.steps * width, g.size, width};
    };
    const Tensor keys = updated_cache(context, g, context.input(kPastKey), part(g.heads));
    const Tensor values = updated_cache(context, g, context.input(kPastValue), part(g.heads + g.kv_heads));
    AttentionTask t;
    t.batch = g.batch, t.heads = g.heads, t.kv_heads = g.kv_heads, t.queries = g.steps, t.keys = g.longest;
    t.size = g.size, t.value_size = g.size;
    t.scale = a.scale ? static_cast<double>(*a.scale) : 1.0 / std::sqrt(static_cast<double>(g.size));
    t.softcap = static_cast<double>(a.softcap);
    t.visible = g.total;
    t.window = a.window;
    if (a.order == MicrosoftAttentionAttrs::Order::Causal)
        for (std::int64_t b = 0; b < g.batch; ++b) t.position.push_back(g.past(b));
    const std::int64_t head = g.rows * g.size;
    t.q = part(0);
    t.k = {keys.data<float>(), g.kv_heads * head, head, g.size};
    t.v = {values.data<float>(), g.kv_heads * head, head, g.size};
    read_extras(context, a, g, t);
    attend(context, t, context.make_output(0, DType::Float32, Shape{g.batch, g.steps, g.heads * g.size}).mutable_data<float>());
    if (context.wants_output(1)) context.set_output(1, keys);
    if (context.wants_output(2)) context.set_output(2, values);
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"com.microsoft", "GroupQueryAttention", widened<group_query_attention>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> microsoft_group_query_kernels() { return kRows; }

}  // namespace mcompress::reference
