// ConvSaturation and MatMulSaturation of the private domain: what 16-bit sums of two products (VPMADDUBSW) change in the sums of an integer
// convolution or matrix product, packed as ONNX Runtime's kernels for x86 without VNNI pack them.
//
// Only pairs of weights beyond pair_limit() can change anything, so that is all that is computed: for those, the activations that they meet are
// laid out position by position for a block of outputs, and each pair adds its difference to the block.
#include <algorithm>
#include <array>
#include <vector>

#include "engine/reference/pair_saturation.h"
#include "engine/reference/product.h"
#include "engine/reference/window.h"
#include "ops/attributes.h"
#include "ops/conv.h"
#include "quant/saturation.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress::reference {

namespace {

constexpr std::int64_t kBlock = 256;  // outputs that are computed together
using Column = std::array<std::int32_t, kBlock>;

struct SaturatingPair {
    CodePair columns;   // places in Rows::positions
    std::int32_t p, q;  // of one sign
};

/// The pairs that can saturate in some rows (output channels) of a weight, and the positions of the row that they lie at.
struct Rows {
    std::vector<std::vector<SaturatingPair>> pairs;  // by row
    std::vector<std::int32_t> positions;
};

Rows find_saturating(const Tensor& weight, const SummationOrder& order, std::int64_t begin, std::int64_t end) {
    const Shape& shape = weight.shape();
    const std::vector<CodePair> pairs = summed_pairs(shape, order, PairPacking::Continuous);
    const std::vector<std::int64_t> offsets = row_offsets(shape, order.channel_axis);
    const std::int64_t stride = shape.product(order.channel_axis + 1, shape.rank());
    Rows rows;
    std::vector<std::int32_t> places(offsets.size(), -1);
    const auto place_of = [&](std::int32_t position) {
        std::int32_t& place = places[static_cast<std::size_t>(position)];
        if (place < 0) {
            place = static_cast<std::int32_t>(rows.positions.size());
            rows.positions.push_back(position);
        }
        return place;
    };
    for (std::int64_t row = begin; row < end; ++row) {
        const std::int8_t* codes = weight.data<std::int8_t>() + row * stride;
        std::vector<SaturatingPair>& found = rows.pairs.emplace_back();
        for (const CodePair& pair : pairs) {
            const std::int8_t p = codes[offsets[static_cast<std::size_t>(pair.first)]];
            const std::int8_t q = codes[offsets[static_cast<std::size_t>(pair.second)]];
            if (pair_magnitude(p, q) > pair_limit()) found.push_back({{place_of(pair.first), place_of(pair.second)}, p, q});
        }
    }
    return rows;
}

/// differences[i] += saturated - exact for the products of a block of outputs.
void add_differences(const SaturatingPair& pair, const Column& a, const Column& b, Column& differences) {
    const std::int32_t p = pair.p, q = pair.q;
    if (p > 0) {
        for (std::size_t i = 0; i < static_cast<std::size_t>(kBlock); ++i) {
            const std::int32_t beyond = a[i] * p + b[i] * q - 32767;
            differences[i] -= beyond > 0 ? beyond : 0;
        }
    } else {
        for (std::size_t i = 0; i < static_cast<std::size_t>(kBlock); ++i) {
            const std::int32_t beyond = a[i] * p + b[i] * q + 32768;
            differences[i] -= beyond < 0 ? beyond : 0;
        }
    }
}

/// Activation codes as the kernel reads them: unsigned, int8 moved up by 128.
struct Activations {
    explicit Activations(const KernelContext& context) {
        const Tensor& x = context.required(0);
        const DType dtype = x.dtype();
        if (dtype != DType::UInt8 && dtype != DType::Int8) context.reject_dtype(dtype);
        if (context.required(1).dtype() != DType::Int8) context.reject_dtype(context.required(1).dtype());
        flip = dtype == DType::Int8 ? 128 : 0;
        codes = reinterpret_cast<const std::uint8_t*>(x.bytes());
        const Tensor& zero = context.input(2);
        if (!zero.defined()) return;
        if (zero.dtype() != dtype) context.reject_dtype(zero.dtype());
        if (zero.element_count() != 1) context.reject("the activation has one zero point");
        zero_point = reinterpret_cast<const std::uint8_t*>(zero.bytes())[0] ^ flip;
    }
    std::int32_t at(std::int64_t index) const { return codes[index] ^ flip; }

    const std::uint8_t* codes = nullptr;
    std::int32_t flip = 0;
    std::int32_t zero_point = 0;  // 0 of an activation without one: the code 0 of its type
};

/// A block of outputs of some rows: fill(position, column) lays out what the weights at a position of a row meet.
template <typename Fill, typename Write> void saturate_block(const Rows& rows, Fill&& fill, Write&& write) {
    if (rows.positions.empty()) return;
    std::vector<Column> columns(rows.positions.size());
    for (std::size_t at = 0; at < columns.size(); ++at) fill(rows.positions[at], columns[at]);
    for (std::size_t row = 0; row < rows.pairs.size(); ++row) {
        if (rows.pairs[row].empty()) continue;
        Column differences{};
        for (const SaturatingPair& pair : rows.pairs[row])
            add_differences(pair, columns[static_cast<std::size_t>(pair.columns.first)],
                            columns[static_cast<std::size_t>(pair.columns.second)], differences);
        write(static_cast<std::int64_t>(row), differences);
    }
}

/// Codes that one tap of one input channel meets at outputs [first, first + count) of a plane; the zero point where it lies outside.
void fill_tap(const SlidingWindow& window, const Activations& x, std::int64_t plane, std::int64_t tap, std::int64_t first,
              std::int64_t count, Column& column) {
    const std::int64_t kw = tap % window.kernel[2], kh = tap / window.kernel[2] % window.kernel[1],
                       kd = tap / window.kernel[2] / window.kernel[1];
    std::int64_t ow = first % window.out[2], oh = first / window.out[2] % window.out[1], od = first / window.out[2] / window.out[1];
    for (std::int64_t at = 0; at < count; ++at) {
        const std::int64_t d = window.position(0, od, kd), h = window.position(1, oh, kh), w = window.position(2, ow, kw);
        const bool inside = d >= 0 && d < window.in[0] && h >= 0 && h < window.in[1] && w >= 0 && w < window.in[2];
        column[static_cast<std::size_t>(at)] = inside ? x.at(plane + (d * window.in[1] + h) * window.in[2] + w) : x.zero_point;
        if (++ow < window.out[2]) continue;
        ow = 0;
        if (++oh < window.out[1]) continue;
        oh = 0;
        ++od;
    }
    std::fill(column.begin() + count, column.end(), 0);
}

/// Inputs: x, w, x_zero_point. Output: int32, what is added to ConvInteger's sums.
void conv_saturation(const KernelContext& context) {
    const Activations x(context);
    const Tensor& w = context.required(1);
    const Shape& shape = context.required(0).shape();
    const auto conv = attrs<ConvAttrs>(context.node);
    const SlidingWindow window = make_window(context, shape, conv.geometry(shape, w.shape()));
    const std::int64_t channels = w.shape()[0], inputs = w.shape()[1], outputs = window.out_size();
    Tensor& result = context.make_output(0, DType::Int32, window.output_shape(shape[0], channels));
    std::int32_t* to = result.mutable_data<std::int32_t>();
    std::fill_n(to, result.element_count(), 0);
    if (result.element_count() == 0 || inputs == 0) return;
    // A filter for each channel: kernels of their own, without pairs.
    if (inputs == 1 && channels == conv.group) return;
    const std::int64_t group_outputs = channels / conv.group;
    std::vector<Rows> groups;
    for (std::int64_t group = 0; group < conv.group; ++group)
        groups.push_back(find_saturating(w, {}, group * group_outputs, (group + 1) * group_outputs));
    const std::int64_t blocks = (outputs + kBlock - 1) / kBlock;
    parallel_for(static_cast<std::size_t>(shape[0] * conv.group * blocks), context.threads, [&](int, std::size_t index) {
        const auto at = static_cast<std::int64_t>(index);
        const std::int64_t first = at % blocks * kBlock, group = at / blocks % conv.group, sample = at / blocks / conv.group;
        const std::int64_t count = std::min(kBlock, outputs - first);
        saturate_block(
            groups[static_cast<std::size_t>(group)],
            [&](std::int32_t position, Column& column) {
                const std::int64_t channel = group * inputs + position / window.kernel_size();
                fill_tap(window, x, (sample * shape[1] + channel) * window.in_size(), position % window.kernel_size(), first, count,
                         column);
            },
            [&](std::int64_t row, const Column& differences) {
                std::copy_n(differences.begin(), count, to + (sample * channels + group * group_outputs + row) * outputs + first);
            });
    });
}

/// Inputs: a [… , M, K], b [K, N]. Output: int32, what is added to MatMulInteger's sums.
void mat_mul_saturation(const KernelContext& context) {
    const Activations a(context);
    const Tensor& b = context.required(1);
    if (b.shape().rank() != 2 || context.required(0).shape().rank() < 1) context.reject("the weight is a matrix");
    const MatMulSizes sizes(context, context.required(0).shape(), b.shape());
    Tensor& result = context.make_output(0, DType::Int32, sizes.output);
    std::int32_t* to = result.mutable_data<std::int32_t>();
    std::fill_n(to, result.element_count(), 0);
    if (result.element_count() == 0 || sizes.inner == 0) return;
    const Rows found = find_saturating(b, {.channel_axis = 1, .innermost_axis = 0}, 0, sizes.columns);
    const std::int64_t rows = sizes.batch * sizes.rows;  // one matrix b: the entries of the batch lie one below the other
    parallel_for(static_cast<std::size_t>((rows + kBlock - 1) / kBlock), context.threads, [&](int, std::size_t block) {
        const std::int64_t first = static_cast<std::int64_t>(block) * kBlock, count = std::min(kBlock, rows - first);
        saturate_block(
            found,
            [&](std::int32_t position, Column& column) {
                column.fill(0);
                for (std::int64_t row = 0; row < count; ++row)
                    column[static_cast<std::size_t>(row)] = a.at((first + row) * sizes.inner + position);
            },
            [&](std::int64_t channel, const Column& differences) {
                for (std::int64_t row = 0; row < count; ++row)
                    to[(first + row) * sizes.columns + channel] = differences[static_cast<std::size_t>(row)];
            });
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"mcompress", "ConvSaturation", conv_saturation},
    {"mcompress", "MatMulSaturation", mat_mul_saturation},
};
// clang-format on

}  // namespace

std::span<const KernelRow> pair_saturation_kernels() { return kRows; }

}  // namespace mcompress::reference
