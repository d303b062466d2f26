// Operators that permute or repeat elements: Transpose, Expand, Tile, DepthToSpace, SpaceToDepth, ReverseSequence.
#include <algorithm>

#include "engine/reference/broadcast.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/indexing.h"
#include "ops/shape.h"

namespace mcompress::reference {

namespace {

/// Output 0 = the input's elements read with `strides` over `shape`.
void read_strided(const KernelContext& context, const Tensor& x, const Shape& shape, const Strides& strides) {
    Tensor& y = context.make_output(0, x.dtype(), shape);
    dispatch_size(context, x.dtype(), [&]<typename T>() {
        copy_strided(reinterpret_cast<T*>(y.mutable_bytes()), reinterpret_cast<const T*>(x.bytes()), shape, strides, context.threads);
    });
}

/// The output of a permutation that may be given another shape afterwards.
void permute(const KernelContext& context, const Tensor& x, const std::vector<int>& order) {
    const Strides own = x.shape().strides();
    std::vector<std::int64_t> dims;
    Strides strides;
    for (const int axis : order) {
        dims.push_back(x.shape()[axis]);
        strides.push_back(own[static_cast<std::size_t>(axis)]);
    }
    read_strided(context, x, Shape(std::move(dims)), strides);
}

void transpose(const KernelContext& context) {
    const Tensor& x = context.required(0);
    permute(context, x, attrs<TransposeAttrs>(context.node).resolve(x.shape().rank()));
}

void expand(const KernelContext& context) {
    const Tensor& x = context.required(0);
    const Shape wanted(integers(context, context.required(1)));
    if (!wanted.checked_element_count()) context.reject(format("the shape {} is impossible", wanted.to_string()));
    const Shape shape = broadcast_shape(context, x.shape(), wanted);
    read_strided(context, x, shape, broadcast_strides(x.shape(), shape));
}

/// Every axis is read as [repeat, extent] with stride 0 along the repeats.
void tile(const KernelContext& context) {
    const Tensor& x = context.required(0);
    const auto repeats = integers(context, context.required(1));
    if (static_cast<int>(repeats.size()) != x.shape().rank()) context.reject("there must be one repeat an axis");
    const Strides own = x.shape().strides();
    std::vector<std::int64_t> dims, split;
    Strides strides;
    for (std::size_t axis = 0; axis < repeats.size(); ++axis) {
        const std::int64_t extent = x.shape()[static_cast<int>(axis)];
        std::int64_t tiled = 0;
        if (repeats[axis] < 0 || __builtin_mul_overflow(repeats[axis], extent, &tiled)) context.reject("a repeat is negative or too large");
        dims.push_back(tiled);
        split.insert(split.end(), {repeats[axis], extent});
        strides.insert(strides.end(), {0, own[axis]});
    }
    context.check_size(x.dtype(), Shape(dims));
    read_strided(context, x, Shape(std::move(split)), strides);
    context.set_output(0, context.outputs[0].reshaped(Shape(std::move(dims))));
}

/// Times a block's area or extent (up to 2^20) these stay in range; more only an empty tensor can have.
constexpr std::int64_t kMostChannels = std::int64_t{1} << 22, kLongestSide = std::int64_t{1} << 42;

/// The input as [N, C/…, blocks…, H, W] permuted, then folded to the output shape.
void rearrange(const KernelContext& context, const Shape& split, const std::vector<int>& order, const Shape& output) {
    permute(context, context.required(0).reshaped(split), order);
    context.set_output(0, context.outputs[0].reshaped(output));
}

void depth_to_space(const KernelContext& context) {
    const auto a = attrs<DepthToSpaceAttrs>(context.node);
    const Shape& x = context.required(0).shape();
    const std::int64_t b = a.blocksize;
    if (x.rank() != 4 || x[1] % (b * b) != 0 || x[2] > kLongestSide || x[3] > kLongestSide)
        context.reject(format("shape {} does not split into blocks of {}", x.to_string(), b));
    const Shape output{x[0], x[1] / (b * b), x[2] * b, x[3] * b};
    if (a.mode == DepthToSpaceAttrs::Mode::DepthColumnRow)
        rearrange(context, Shape{x[0], b, b, x[1] / (b * b), x[2], x[3]}, {0, 3, 4, 1, 5, 2}, output);
    else rearrange(context, Shape{x[0], x[1] / (b * b), b, b, x[2], x[3]}, {0, 1, 4, 2, 5, 3}, output);
}

void space_to_depth(const KernelContext& context) {
    const std::int64_t b = attrs<SpaceToDepthAttrs>(context.node).blocksize;
    const Shape& x = context.required(0).shape();
    if (x.rank() != 4 || x[2] % b != 0 || x[3] % b != 0 || x[1] > kMostChannels)
        context.reject(format("shape {} does not split into blocks of {}", x.to_string(), b));
    rearrange(context, Shape{x[0], x[1], x[2] / b, b, x[3] / b, b}, {0, 3, 5, 1, 2, 4}, Shape{x[0], x[1] * b * b, x[2] / b, x[3] / b});
}

void reverse_sequence(const KernelContext& context) {
    const auto a = attrs<ReverseSequenceAttrs>(context.node);
    const Tensor& x = context.required(0);
    const auto lengths = integers(context, context.required(1));
    if (x.shape().rank() < 2 || a.batch_axis + a.time_axis != 1) context.reject("expected batch and time on axes 0 and 1");
    const std::int64_t batch = x.shape()[static_cast<int>(a.batch_axis)], time = x.shape()[static_cast<int>(a.time_axis)];
    const std::int64_t block = x.shape().product(2, x.shape().rank());
    if (static_cast<std::int64_t>(lengths.size()) != batch) context.reject("there must be one length a batch entry");
    Tensor& y = context.make_output(0, x.dtype(), x.shape());
    if (y.element_count() == 0) return;
    const std::size_t bytes = packed_byte_size(x.dtype(), block);
    std::byte* to = y.mutable_bytes();
    for (std::int64_t n = 0; n < batch; ++n) {
        const std::int64_t length = lengths[static_cast<std::size_t>(n)];
        if (length < 0 || length > time) context.reject(format("length {} lies outside 0…{}", length, time));
        for (std::int64_t t = 0; t < time; ++t) {
            const std::int64_t source = t < length ? length - 1 - t : t;
            const auto offset = [&](std::int64_t step) {
                return static_cast<std::size_t>(a.time_axis == 0 ? step * batch + n : n * time + step) * bytes;
            };
            std::copy_n(x.bytes() + offset(source), bytes, to + offset(t));
        }
    }
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "DepthToSpace", moving<depth_to_space>},
    {"", "Expand", moving<expand>},
    {"", "ReverseSequence", moving<reverse_sequence>},
    {"", "SpaceToDepth", moving<space_to_depth>},
    {"", "Tile", moving<tile>},
    {"", "Transpose", moving<transpose>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> transpose_kernels() { return kRows; }

}  // namespace mcompress::reference
