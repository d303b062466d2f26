// RotaryEmbedding and TensorScatter.
#include <algorithm>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/transformer.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress::reference {

namespace {

/// The input as heads: vector (b, s, h) is at b·batch_step + s·row_step + h·head_step.
struct Heads {
    std::int64_t batch, rows, heads, size, batch_step, row_step, head_step;
};

Heads heads_of(const KernelContext& context, const RotaryEmbeddingAttrs& a, const Shape& shape) {
    if (shape.rank() == 4) return {shape[0], shape[2], shape[1], shape[3], shape[1] * shape[2] * shape[3], shape[3], shape[2] * shape[3]};
    if (shape.rank() != 3 || !a.heads || shape[2] % *a.heads != 0)
        context.reject(format("{} is not a tensor of {} heads", shape.to_string(), a.heads.value_or(0)));
    const std::int64_t size = shape[2] / *a.heads;
    return {shape[0], shape[1], *a.heads, size, shape[1] * shape[2], shape[2], size};
}

/// Row of the caches for every (sample, place).
std::vector<std::int64_t> cache_rows(const KernelContext& context, const Heads& x, std::int64_t half) {
    const Shape &cosines = context.required(1).shape(), &sines = context.required(2).shape();
    if (cosines != sines) context.reject("the caches of cosines and sines differ in shape");
    std::vector<std::int64_t> rows;
    if (!context.has_input(3)) {
        if (cosines != Shape{x.batch, x.rows, half}) context.reject(format("caches of shape {}", cosines.to_string()));
        for (std::int64_t i = 0; i < x.batch * x.rows; ++i) rows.push_back(i);
        return rows;
    }
    if (cosines.rank() != 2 || cosines[1] != half) context.reject(format("caches of shape {} for {} pairs", cosines.to_string(), half));
    if (context.input(3).shape() != Shape{x.batch, x.rows})
        context.reject(format("positions of shape {} for {} samples of {}", context.input(3).shape().to_string(), x.batch, x.rows));
    rows = integers(context, context.input(3));
    for (const std::int64_t row : rows)
        if (row < 0 || row >= cosines[0]) context.reject(format("position {} is not in the caches of {}", row, cosines[0]));
    return rows;
}

void rotary_embedding(const KernelContext& context) {
    const auto a = attrs<RotaryEmbeddingAttrs>(context.node);
    const Tensor& x = context.required(0);
    const Heads view = heads_of(context, a, x.shape());
    const std::int64_t rotated = a.rotary_dim > 0 ? a.rotary_dim : view.size, half = rotated / 2;
    if (rotated > view.size || rotated % 2 != 0) context.reject(format("{} numbers of a head of {} cannot be rotated", rotated, view.size));
    const std::vector<std::int64_t> rows = cache_rows(context, view, half);
    for (const int cache : {1, 2})
        if (context.input(cache).dtype() != x.dtype()) context.reject_dtype(context.input(cache).dtype());
    const std::int64_t step = a.pairs == RotaryEmbeddingAttrs::Pairs::Neighbours ? 2 : 1, distance = step == 2 ? 1 : half;
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        T* to = context.make_output(0, x.dtype(), x.shape()).template mutable_data<T>();
        const auto places = rows.size();
        parallel_for(places, x.element_count() > (1 << 18) ? context.threads : 1, [&](int, std::size_t place) {
            const T* cosine = context.input(1).data<T>() + rows[place] * half;
            const T* sine = context.input(2).data<T>() + rows[place] * half;
            const auto index = static_cast<std::int64_t>(place);
            for (std::int64_t h = 0; h < view.heads; ++h) {
                const std::int64_t base = index / view.rows * view.batch_step + index % view.rows * view.row_step + h * view.head_step;
                const T* from = x.data<T>() + base;
                for (std::int64_t i = 0; i < half; ++i) {
                    const T first = from[i * step], second = from[i * step + distance];
                    to[base + i * step] = cosine[i] * first - sine[i] * second;
                    to[base + i * step + distance] = sine[i] * first + cosine[i] * second;
                }
                std::copy(from + rotated, from + view.size, to + base + rotated);
            }
        });
    });
}

/// Where every sample's update begins.
std::vector<std::int64_t> write_places(const KernelContext& context, std::int64_t batch) {
    if (!context.has_input(2)) return std::vector<std::int64_t>(static_cast<std::size_t>(batch), 0);
    std::vector<std::int64_t> places = integers(context, context.input(2));
    if (static_cast<std::int64_t>(places.size()) != batch) context.reject(format("{} write indices for {} samples", places.size(), batch));
    return places;
}

void tensor_scatter(const KernelContext& context) {
    const auto a = attrs<TensorScatterAttrs>(context.node);
    const Tensor &cache = context.required(0), &update = context.required(1);
    const int axis = checked_axis(context, a.axis, cache.shape().rank());
    if (axis == 0) context.reject("the batch axis cannot be the sequence");
    std::vector<std::int64_t> expected = cache.shape().dims();
    if (update.shape().rank() == cache.shape().rank()) expected[static_cast<std::size_t>(axis)] = update.shape()[axis];
    const std::int64_t length = cache.shape()[axis];
    if (update.shape() != Shape(expected) || update.dtype() != cache.dtype() || update.shape()[axis] > length)
        context.reject(format("an update of shape {} for a cache of {}", update.shape().to_string(), cache.shape().to_string()));
    const std::int64_t count = update.shape()[axis], inner = cache.shape().product(axis + 1, cache.shape().rank());
    const std::int64_t prefixes = cache.shape().product(1, axis), batch = cache.shape()[0];
    std::vector<std::int64_t> places = write_places(context, batch);
    for (std::int64_t& place : places) {
        if (a.mode == TensorScatterAttrs::Mode::Circular && length > 0) place = (place % length + length) % length;
        else if (place < 0 || place > length - count) context.reject(format("{} rows do not fit at {} of {}", count, place, length));
    }
    Tensor& y = context.make_output(0, cache.dtype(), cache.shape());
    const std::int64_t width = inner * dtype_bits(cache.dtype()) / 8;
    std::byte* to = y.mutable_bytes();
    std::copy_n(cache.bytes(), y.byte_size(), to);
    for (std::int64_t line = 0; line < batch * prefixes; ++line) {
        const std::int64_t place = places[static_cast<std::size_t>(line / prefixes)], straight = std::min(count, length - place);
        const std::byte* from = update.bytes() + line * count * width;
        std::byte* target = to + line * length * width;
        std::copy_n(from, straight * width, target + place * width);
        std::copy_n(from + straight * width, (count - straight) * width, target);
    }
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "RotaryEmbedding", widened<rotary_embedding>},
    {"", "TensorScatter", moving<tensor_scatter>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> transformer_kernels() { return kRows; }

}  // namespace mcompress::reference
