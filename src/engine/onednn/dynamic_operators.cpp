#include "engine/onednn/dynamic_operators.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "engine/onednn/int8_elementwise.h"
#include "engine/onednn/on_threads.h"
#include "engine/onednn/quantized_product.h"
#include "quant/choose_params.h"

namespace mcompress::onednn {

namespace {

using dnnl::memory;
constexpr auto kFloat = memory::data_type::f32;

/// Of the values and zero.
ValueRange range_of(const float* values, std::int64_t begin, std::int64_t end) {
    constexpr int kLanes = 16;  // independent lanes, so that the compiler can use whole registers
    std::array<float, kLanes> low{}, high{};
    std::int64_t at = begin;
    for (; at + kLanes <= end; at += kLanes)
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            const float value = values[at + static_cast<std::int64_t>(lane)];
            low[lane] = value < low[lane] ? value : low[lane];
            high[lane] = value > high[lane] ? value : high[lane];
        }
    ValueRange range{*std::ranges::min_element(low), *std::ranges::max_element(high)};
    for (; at < end; ++at) range = {std::min(range.min, values[at]), std::max(range.max, values[at])};
    return range;
}

void quantize_dynamically(std::span<std::byte* const> at, std::int64_t count, int threads) {
    constexpr int kMostThreads = 64;
    const auto* from = reinterpret_cast<const float*>(at[0]);
    const int workers = count < 16384 ? 1 : std::min(threads, kMostThreads);
    std::array<ValueRange, kMostThreads> parts{};
    on_threads(workers, [&](int worker) {
        parts[static_cast<std::size_t>(worker)] = range_of(from, count * worker / workers, count * (worker + 1) / workers);
    });
    ValueRange range;
    for (int worker = 0; worker < workers; ++worker) range = union_of(range, parts[static_cast<std::size_t>(worker)]);
    const QuantParams params = choose_dynamic_params(range);
    if (params.scale == 0.0F) std::memset(at[1], params.zero_point, static_cast<std::size_t>(count));
    else
        on_threads(workers, [&](int worker) {
            const std::int64_t begin = count * worker / workers, end = count * (worker + 1) / workers;
            quantize_elements(from + begin, end - begin, params, at[1] + begin);
        });
    std::memcpy(at[2], &params.scale, sizeof(float));
    *at[3] = static_cast<std::byte>(params.zero_point);
    std::memcpy(at[4], &params.zero_point, sizeof(std::int32_t));
}

}  // namespace

std::optional<BufferId> build_dynamic_quantize(PlanBuilder& builder, const Node& node) {
    if (!builder.is_dense(node.input(0), DType::Float32) || !builder.is_dense(node.output(0), DType::UInt8)) return std::nullopt;
    if (!node.output(1) || !node.output(2)) return std::nullopt;
    const Shape shape = builder.shape(node.input(0));
    const BufferId source = builder.plain_form(node.input(0));
    const BufferId codes = builder.result(node.output(0), plain_desc(shape, memory::data_type::u8));
    const BufferId scale = builder.result(node.output(1), plain_desc(Shape{}, kFloat));
    const BufferId zero_point = builder.result(node.output(2), plain_desc(Shape{}, memory::data_type::u8));
    const BufferId wide = builder.temporary(plain_desc(Shape{}, memory::data_type::s32));
    builder.add_native(
        {node.op_type(), "f32→u8", 0}, "native:dynamic_quantize",
        [count = shape.element_count()](std::span<std::byte* const> at, int threads) { quantize_dynamically(at, count, threads); },
        {source, codes, scale, zero_point, wide});
    return wide;
}

Built build_dynamic_chain(PlanBuilder& builder, const DynamicProduct& product, BufferId zero_point, const Chain& chain, std::size_t links) {
    const Shape stored = product.weights.codes->shape(), source = builder.shape(product.quantizer->output(0));
    const std::int64_t inner = stored[0], columns = stored[1], rows = source.element_count() / inner;
    const auto weights = signed_weights(product.weights, 1, Shape{columns, inner});
    if (!weights || source.rank() == 0 || source[source.rank() - 1] != inner) return Built::No;
    const ChainOperands parts = chain_operands(chain, links);
    const Desc one = plain_desc(Shape{1, 1}, kFloat), row = plain_desc(Shape{1, columns}, kFloat),
               full = plain_desc(Shape{rows, columns}, kFloat);

    ProductSpec spec;
    spec.source = plain_desc(Shape{rows, inner}, memory::data_type::u8);
    spec.weights = any_desc(stored, memory::data_type::s8);
    spec.destination = full;
    spec.attributes.scales = product.weights.scales;
    spec.attributes.source_zero_point_given = SourceZeroPoint::AtRun;
    std::vector<PostOp>& post_ops = spec.attributes.post_ops;
    std::vector<Operand> operands;
    const auto add_binary = [&](dnnl::algorithm algorithm, const Desc& seen, BufferId buffer) {
        operands.push_back({DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(post_ops.size())) | DNNL_ARG_SRC_1, buffer});
        post_ops.push_back(BinaryPostOp{algorithm, seen});
    };
    // The scale of the source is known at run time only: it multiplies the result.
    add_binary(dnnl::algorithm::binary_mul, one, builder.view(builder.plain_form(product.quantizer->output(1)), one));
    if (parts.bias) {
        const Tensor* bias = builder.known(parts.bias);
        if (!bias || bias->element_count() != columns) return Built::No;
        add_binary(dnnl::algorithm::binary_add, row, builder.constant(*bias, row, row));
    }
    post_ops.insert(post_ops.end(), parts.before.begin(), parts.before.end());
    if (parts.residual) {
        const Desc held = plain_desc(builder.shape(parts.residual), kFloat);
        add_binary(dnnl::algorithm::binary_add, full, builder.view(builder.form(parts.residual, held), full));
    }
    post_ops.insert(post_ops.end(), parts.after.begin(), parts.after.end());
    if (links > 0 && chain.links[links - 1].kind == ChainLink::Kind::Quantize) return Built::No;
    Primitive primitive = make_matmul(builder.engine(), spec);
    if (primitive.is_reference()) return Built::No;

    const Desc weights_seen =
        weights->output_axis == 1 ? plain_desc(stored, memory::data_type::s8) : strided_desc(stored, memory::data_type::s8, {1, inner});
    operands.push_back({DNNL_ARG_SRC, builder.view(builder.plain_form(product.quantizer->output(0)), spec.source)});
    operands.push_back({DNNL_ARG_WEIGHTS, builder.constant(weights->codes, weights_seen, primitive.weights)});
    operands.push_back({DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC, zero_point});
    for (const auto& [argument, tensor] : runtime_arguments(spec.attributes))
        operands.push_back({argument, builder.constant(tensor, plain_desc(tensor.shape(), *data_type_of(tensor.dtype())))});
    const Value* output = chain.output(links);
    operands.push_back({DNNL_ARG_DST, builder.view(builder.result(output, plain_desc(builder.shape(output), kFloat)), full)});
    builder.add({chain_label(chain, links), "u8s8→f32 (dynamic)", builder.macs(chain.head())}, std::move(primitive), std::move(operands));
    return Built::Yes;
}

}  // namespace mcompress::onednn
