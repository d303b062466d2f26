#include "engine/onednn/dynamic_operators.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "engine/onednn/int8_elementwise.h"
#include "engine/onednn/on_threads.h"
#include "engine/onednn/quantized_product.h"
#include "ops/attributes.h"
#include "ops/conv.h"
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
    const bool feeds_convolution = shape.rank() > 2 && std::any_of(node.output(0)->uses().begin(), node.output(0)->uses().end(),
                                                                   [](const Use& use) { return use.node->is("ConvInteger"); });
    const auto layout = [&](memory::data_type type) {
        return feeds_convolution ? channels_last_desc(shape, type) : plain_desc(shape, type);
    };
    const BufferId source = builder.form(node.input(0), layout(kFloat));
    const BufferId codes = builder.result(node.output(0), layout(memory::data_type::u8));
    const BufferId scale = builder.result(node.output(1), plain_desc(Shape{}, kFloat));
    const BufferId zero_point = builder.result(node.output(2), plain_desc(Shape{}, memory::data_type::u8));
    const BufferId wide = builder.temporary(plain_desc(Shape{}, memory::data_type::s32));
    builder.add_native(
        {node.op_type(), "f32→u8", 0}, "native:dynamic_quantize",
        [count = shape.element_count()](std::span<std::byte* const> at, int threads) { quantize_dynamically(at, count, threads); },
        {source, codes, scale, zero_point, wide});
    return wide;
}

namespace {

/// Post-operations of a dynamically quantized product and the operands that they take.
class Epilogue {
public:
    Epilogue(PlanBuilder& builder, const DynamicProduct& product, const ChainOperands& parts)
        : builder_(builder), product_(product), parts_(parts) {}

    /// `one`, `by_output` and `full` are the result's layout with every axis 1, with the outputs alone, and whole. False where the bias does not fit.
    bool fill(AttributeSpec& attributes, const Desc& one, const Desc& by_output, const Desc& full) {
        post_ops_ = &attributes.post_ops;
        attributes.source_zero_point_given = SourceZeroPoint::AtRun;
        // The scale of the source is known at run time only.
        using Order = DynamicProduct::Order;
        const std::vector<float>& scales = product_.weights.scales;
        const Desc& of_weights = scales.size() > 1 ? by_output : one;
        const BufferId source_scale = builder_.view(builder_.plain_form(product_.quantizer->output(1)), one);
        if (product_.order == Order::ByWeightsFirst) attributes.scales = scales;
        if (product_.order == Order::ByProductOfScales) add(dnnl::algorithm::binary_mul, of_weights, multiplied(source_scale, of_weights));
        else add(dnnl::algorithm::binary_mul, one, source_scale);
        if (product_.order == Order::BySourceFirst) {
            const Tensor tensor = Tensor::from_values(shape_of(of_weights), scales);
            add(dnnl::algorithm::binary_mul, of_weights, builder_.constant(tensor, of_weights, of_weights));
        }
        if (parts_.bias) {
            const Tensor* bias = builder_.known(parts_.bias);
            if (!bias || bias->element_count() != shape_of(by_output).element_count()) return false;
            add(dnnl::algorithm::binary_add, by_output, builder_.constant(*bias, by_output, by_output));
        }
        post_ops_->insert(post_ops_->end(), parts_.before.begin(), parts_.before.end());
        if (parts_.residual) {
            const Shape shape = builder_.shape(parts_.residual);
            const bool is_same = shape_of(full) == shape;  // else rows of it are seen as a matrix
            add(dnnl::algorithm::binary_add, full,
                builder_.view(builder_.form(parts_.residual, is_same ? full : plain_desc(shape, kFloat)), full));
        }
        post_ops_->insert(post_ops_->end(), parts_.after.begin(), parts_.after.end());
        return true;
    }

    /// What has to run before the primitive, once it is known that there is one.
    void add_steps() {
        if (!multiplied_) return;
        const auto run = [scales = product_.weights.scales](std::span<std::byte* const> at, int) {
            const float factor = *reinterpret_cast<const float*>(at[0]);
            auto* to = reinterpret_cast<float*>(at[1]);
            for (const float scale : scales) *to++ = factor * scale;
        };
        builder_.add_native({"Mul", "f32", 0}, "native:scales", run, {multiplied_->first, multiplied_->second});
    }

    std::vector<Operand> operands;

private:
    BufferId multiplied(BufferId source_scale, const Desc& of_weights) {
        multiplied_ = std::pair(source_scale, builder_.temporary(of_weights));
        return multiplied_->second;
    }

    void add(dnnl::algorithm algorithm, const Desc& seen, BufferId buffer) {
        operands.push_back({DNNL_ARG_ATTR_MULTIPLE_POST_OP(static_cast<int>(post_ops_->size())) | DNNL_ARG_SRC_1, buffer});
        post_ops_->push_back(BinaryPostOp{algorithm, seen});
    }

    PlanBuilder& builder_;
    const DynamicProduct& product_;
    const ChainOperands& parts_;
    std::vector<PostOp>* post_ops_ = nullptr;
    std::optional<std::pair<BufferId, BufferId>> multiplied_;  // the source's scale, and its product with the weights'
};

bool ends_in_codes(const Chain& chain, std::size_t links) { return links > 0 && chain.links[links - 1].kind == ChainLink::Kind::Quantize; }

/// The operands that every primitive of dynamically quantized codes takes, and the step itself.
struct DynamicStep {
    Primitive primitive;
    AttributeSpec attributes;
    std::vector<Operand> operands;  // of post-operations
    BufferId source, weights, zero_point, destination;
};

void add_step(PlanBuilder& builder, DynamicStep step, const Chain& chain, std::size_t links) {
    std::vector<Operand>& operands = step.operands;
    operands.push_back({DNNL_ARG_SRC, step.source});
    operands.push_back({DNNL_ARG_WEIGHTS, step.weights});
    operands.push_back({DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC, step.zero_point});
    for (const auto& [argument, tensor] : runtime_arguments(step.attributes))
        operands.push_back({argument, builder.constant(tensor, plain_desc(tensor.shape(), *data_type_of(tensor.dtype())))});
    operands.push_back({DNNL_ARG_DST, step.destination});
    builder.add({chain_label(chain, links), "u8s8→f32 (dynamic)", builder.macs(chain.head())}, std::move(step.primitive),
                std::move(operands));
}

}  // namespace

Built build_dynamic_convolution(PlanBuilder& builder, const DynamicProduct& product, BufferId zero_point, const Chain& chain,
                                std::size_t links) {
    const Shape stored = product.weights.codes->shape(), source = builder.shape(product.quantizer->output(0));
    const Value* output = chain.output(links);
    const Shape destination = builder.shape(product.nodes[0]->output(0));
    const auto weights = signed_weights(product.weights, 0, stored);
    if (!weights || source.rank() < 3 || source.rank() > 4 || ends_in_codes(chain, links)) return Built::No;
    const ChainOperands parts = chain_operands(chain, links);
    const auto attributes = attrs<ConvAttrs>(*product.nodes[0]);
    const Shape grouped = grouped_shape(stored, attributes.group);
    Shape one = destination, by_output = destination;
    for (int axis = 0; axis < destination.rank(); ++axis) one[axis] = by_output[axis] = 1;
    by_output[1] = destination[1];
    ConvolutionSpec spec;
    spec.source = channels_last_desc(source, memory::data_type::u8);
    spec.weights = any_desc(grouped, memory::data_type::s8);
    spec.destination = channels_last_desc(destination, kFloat);
    spec.grouped = attributes.group > 1;
    set_window(spec, attributes.geometry(source, stored), source);
    Epilogue epilogue(builder, product, parts);
    if (!epilogue.fill(spec.attributes, plain_desc(one, kFloat), plain_desc(by_output, kFloat), spec.destination)) return Built::No;
    Primitive primitive = make_convolution(builder.engine(), spec);
    if (primitive.is_reference()) return Built::No;
    epilogue.add_steps();
    const BufferId packed = builder.constant(weights->codes, plain_desc(grouped, memory::data_type::s8), primitive.weights);
    add_step(builder,
             {std::move(primitive), spec.attributes, std::move(epilogue.operands), builder.form(product.quantizer->output(0), spec.source),
              packed, zero_point, builder.result(output, spec.destination)},
             chain, links);
    return Built::Yes;
}

Built build_dynamic_chain(PlanBuilder& builder, const DynamicProduct& product, BufferId zero_point, const Chain& chain, std::size_t links) {
    if (product.nodes[0]->is("ConvInteger")) return build_dynamic_convolution(builder, product, zero_point, chain, links);
    const Shape stored = product.weights.codes->shape(), source = builder.shape(product.quantizer->output(0));
    const std::int64_t inner = stored[0], columns = stored[1], rows = source.element_count() / inner;
    const auto weights = signed_weights(product.weights, 1, Shape{columns, inner});
    if (!weights || source.rank() == 0 || source[source.rank() - 1] != inner || ends_in_codes(chain, links)) return Built::No;
    const ChainOperands parts = chain_operands(chain, links);
    ProductSpec spec;
    spec.source = plain_desc(Shape{rows, inner}, memory::data_type::u8);
    spec.weights = any_desc(stored, memory::data_type::s8);
    spec.destination = plain_desc(Shape{rows, columns}, kFloat);
    Epilogue epilogue(builder, product, parts);
    if (!epilogue.fill(spec.attributes, plain_desc(Shape{1, 1}, kFloat), plain_desc(Shape{1, columns}, kFloat), spec.destination))
        return Built::No;
    Primitive primitive = make_matmul(builder.engine(), spec);
    if (primitive.is_reference()) return Built::No;
    epilogue.add_steps();
    const Desc seen =
        weights->output_axis == 1 ? plain_desc(stored, memory::data_type::s8) : strided_desc(stored, memory::data_type::s8, {1, inner});
    const BufferId packed = builder.constant(weights->codes, seen, primitive.weights);
    const BufferId from = builder.view(builder.plain_form(product.quantizer->output(0)), spec.source);
    const Value* output = chain.output(links);
    const BufferId to = builder.view(builder.result(output, plain_desc(builder.shape(output), kFloat)), spec.destination);
    add_step(builder, {std::move(primitive), spec.attributes, std::move(epilogue.operands), from, packed, zero_point, to}, chain, links);
    return Built::Yes;
}

}  // namespace mcompress::onednn
