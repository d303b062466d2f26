// com.microsoft RotaryEmbedding.
#include <algorithm>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/rotary.h"
#include "ops/microsoft.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress::reference {

RotaryCache::RotaryCache(const KernelContext& context, const Tensor& cosine_table, const Tensor& sine_table, RotaryPairs pair_order)
    : order(pair_order) {
    if (cosine_table.dtype() != DType::Float32 || sine_table.dtype() != DType::Float32) context.reject_dtype(cosine_table.dtype());
    if (cosine_table.shape().rank() != 2 || cosine_table.shape() != sine_table.shape())
        context.reject(format("caches of shape {} and {}", cosine_table.shape().to_string(), sine_table.shape().to_string()));
    cosines = cosine_table.data<float>();
    sines = sine_table.data<float>();
    positions = cosine_table.shape()[0];
    pairs = cosine_table.shape()[1];
}

void RotaryCache::turn(const KernelContext& context, const float* from, std::int64_t size, std::int64_t position, float* to) const {
    if (position < 0 || position >= positions) context.reject(format("position {} lies outside a cache of {}", position, positions));
    if (2 * pairs > size) context.reject(format("a cache of {} pairs does not fit heads of {} channels", pairs, size));
    const float *cosine = cosines + position * pairs, *sine = sines + position * pairs;
    const bool halves = order == RotaryPairs::Halves;
    for (std::int64_t i = 0; i < pairs; ++i) {
        const std::int64_t first = halves ? i : 2 * i, second = halves ? i + pairs : 2 * i + 1;
        const float x = from[first], y = from[second];
        to[first] = x * cosine[i] - y * sine[i];
        to[second] = x * sine[i] + y * cosine[i];
    }
    std::copy(from + 2 * pairs, from + size, to + 2 * pairs);
}

namespace {

/// Heads of [batch, steps, heads·size] or [batch, heads, steps, size].
struct HeadLayout {
    std::int64_t batch, steps, heads, size;
    bool heads_first;

    HeadLayout(const KernelContext& context, const MicrosoftRotaryAttrs& a, const Shape& x, std::int64_t pairs) {
        if (x.rank() != 3 && x.rank() != 4) context.reject(format("the input has shape {}", x.to_string()));
        heads_first = x.rank() == 4;
        batch = x[0];
        steps = x[heads_first ? 2 : 1];
        if (heads_first) {
            heads = x[1];
            size = x[3];
            return;
        }
        size = a.heads > 0 ? x[2] / a.heads : 2 * pairs;
        if (size < 1 || x[2] % size != 0)
            context.reject(format("an input of shape {} is not made of heads of {} channels", x.to_string(), size));
        heads = x[2] / size;
    }
    std::int64_t offset(std::int64_t b, std::int64_t s, std::int64_t h) const {
        return (heads_first ? (b * heads + h) * steps + s : (b * steps + s) * heads + h) * size;
    }
};

/// input, position_ids ([1]: of the first step; or [batch, steps]), cosines, sines.
void rotary_embedding(const KernelContext& context) {
    const auto a = attrs<MicrosoftRotaryAttrs>(context.node);
    const Tensor& x = context.required(0);
    const RotaryCache cache(context, context.required(2), context.required(3),
                            a.interleaved ? RotaryPairs::Interleaved : RotaryPairs::Halves);
    if (a.rotary_size > 0 && a.rotary_size != 2 * cache.pairs)
        context.reject(format("rotary_embedding_dim is {}, the caches hold {} pairs", a.rotary_size, cache.pairs));
    if (x.dtype() != DType::Float32) context.reject_dtype(x.dtype());
    const HeadLayout layout(context, a, x.shape(), cache.pairs);
    const std::vector<std::int64_t> positions = integers(context, context.required(1));
    const bool counts_on = positions.size() == 1;
    if (!counts_on && static_cast<std::int64_t>(positions.size()) != layout.batch * layout.steps)
        context.reject(format("{} positions are given for {} × {} steps", positions.size(), layout.batch, layout.steps));
    float* to = context.make_output(0, x.dtype(), x.shape()).mutable_data<float>();
    const std::int64_t rows = layout.batch * layout.steps;
    parallel_for(static_cast<std::size_t>(rows), x.element_count() > (1 << 18) ? context.threads : 1, [&](int, std::size_t row) {
        const std::int64_t b = static_cast<std::int64_t>(row) / layout.steps, s = static_cast<std::int64_t>(row) % layout.steps;
        const std::int64_t position = counts_on ? positions[0] + s : positions[row];
        for (std::int64_t h = 0; h < layout.heads; ++h) {
            const std::int64_t offset = layout.offset(b, s, h);
            cache.turn(context, x.data<float>() + offset, layout.size, position, to + offset);
        }
    });
    if (a.scale == 1.0F) return;
    for (std::int64_t i = 0; i < x.element_count(); ++i) to[i] *= a.scale;
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"com.microsoft", "RotaryEmbedding", widened<rotary_embedding>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> microsoft_rotary_kernels() { return kRows; }

}  // namespace mcompress::reference
