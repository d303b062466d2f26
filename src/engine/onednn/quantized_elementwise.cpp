// QuantizeLinear, DequantizeLinear, and arithmetic and tables on 8-bit codes.
#include <algorithm>
#include <array>
#include <memory>

#include "engine/code_operators.h"
#include "engine/onednn/int8_elementwise.h"
#include "engine/onednn/int8_sum.h"
#include "engine/onednn/on_threads.h"
#include "engine/onednn/quantized_operators.h"
#include "quant/affine.h"

namespace mcompress::onednn {

namespace {

void combine_codes(const std::byte* a, const std::byte* b, std::int64_t count, const BinaryCodes& codes, std::byte* to) {
    const bool is_sum = codes.operation == CodeArithmetic::Add && codes.slope == 1.0F;
    (is_sum ? sum_codes : compute_codes)(a, b, count, codes, to);
}

/// Codes of pictures lie channels-last, which is what integer convolutions read: three axes are a picture where a convolution reads them, four unless only operators do that
/// want them in rows (the heads of an attention).
bool wants_channels_last(const Value* codes, int rank) {
    constexpr std::array kOfRows{"Transpose", "MatMul", "Reshape", "Flatten", "Squeeze", "Unsqueeze"};
    if (rank < 3) return false;
    std::vector<const Node*> readers;
    for (const Use& use : codes->uses()) {
        if (!use.node->is("DequantizeLinear")) return rank >= 4;
        for (const Use& reader : use.node->output(0)->uses()) readers.push_back(reader.node);
    }
    if (rank == 3) return std::any_of(readers.begin(), readers.end(), [](const Node* node) { return node->is("Conv"); });
    return readers.empty() || !std::all_of(readers.begin(), readers.end(), [&](const Node* node) {
               return std::find(kOfRows.begin(), kOfRows.end(), node->op_type()) != kOfRows.end();
           });
}

/// What the operators make of 256 numbers, one after the other.
Tensor computed(const PropagatedValues& values, std::span<const Node* const> nodes, Tensor numbers) {
    for (const Node* node : nodes) {
        std::vector<Tensor> inputs;
        for (const Value* input : node->inputs()) {
            const Tensor* known = input ? values.tensor(input) : nullptr;
            inputs.push_back(known ? *known : input ? numbers : Tensor{});
        }
        numbers = evaluate_node(*node, inputs)[0];
    }
    return numbers;
}

/// Quantized and dequantized.
Tensor coded(const Tensor& numbers, const QuantParams& params) {
    CodeTable codes;
    quantize_elements(numbers.data<float>(), 256, params, codes.data());
    Tensor result = Tensor::uninitialized(DType::Float32, Shape{256});
    dequantize_elements(codes.data(), 256, params, result.mutable_data<float>());
    return result;
}

CodeTable table_of(const PropagatedValues& values, const QuantizedGroup& group) {
    const QuantParams& from = group.inputs[0].params;
    const QuantRange range = integer_range(from.dtype);
    Tensor numbers = Tensor::uninitialized(DType::Float32, Shape{256});
    for (std::int32_t code = range.min; code <= range.max; ++code)
        numbers.mutable_data<float>()[code & 255] = dequantize_value(code, from.scale, from.zero_point);
    if (group.gate) {
        std::vector<Tensor> operands(2, numbers);
        operands[static_cast<std::size_t>(group.gate->operand)] =
            coded(computed(values, group.gate->activations, numbers), group.gate->params);
        numbers = evaluate_node(*group.main, operands)[0];
    }
    numbers = computed(values, group.activations, std::move(numbers));
    CodeTable table;
    quantize_elements(numbers.data<float>(), 256, *group.output_params, table.data());
    return table;
}

}  // namespace

Built build_quantize(PlanBuilder& builder, const Node& node) {
    const auto params = tensor_params(builder.values(), node);
    if (!params || !builder.is_dense(node.input(0), DType::Float32) || !builder.is_dense(node.output(0), params->dtype)) return Built::No;
    const Shape shape = builder.shape(node.input(0));
    const auto type = *data_type_of(params->dtype);
    const QuantParams chosen = *params;
    const StepLabel label{"QuantizeLinear", "f32→" + code_name(chosen.dtype), 0};
    const std::int64_t count = shape.element_count();
    const BufferId any = builder.any_form(node.input(0));
    const bool channels_last = wants_channels_last(node.output(0), shape.rank());
    const bool is_plain = is_row_major(builder.desc(any)) && element_type(builder.desc(any)) == dnnl::memory::data_type::f32;
    if (channels_last && is_plain && shape[1] <= 4) {
        const BufferId result = builder.result(node.output(0), channels_last_desc(shape, type));
        const std::int64_t batch = shape[0], channels = shape[1], points = shape.product(2, shape.rank());
        const auto run = [=](std::span<std::byte* const> at, int threads) {
            const auto* from = reinterpret_cast<const float*>(at[0]);
            for (std::int64_t n = 0; n < batch; ++n)
                on_ranges(points, points * channels, threads, [&](std::int64_t begin, std::int64_t end) {
                    quantize_transposed(from + n * channels * points + begin, channels, end - begin, points, chosen,
                                        at[1] + (n * points + begin) * channels);
                });
        };
        builder.add_native(label, "plain:QuantizeLinear", run, {any, result});
        return Built::Yes;
    }
    const Desc layout =
        channels_last ? channels_last_desc(shape, dnnl::memory::data_type::f32) : plain_desc(shape, dnnl::memory::data_type::f32);
    const BufferId source = builder.form(node.input(0), layout);
    const BufferId result = builder.result(node.output(0), with_type(layout, type));
    const auto run = [=](std::span<std::byte* const> at, int threads) {
        const auto* from = reinterpret_cast<const float*>(at[0]);
        on_ranges(count, count, threads,
                  [&](std::int64_t begin, std::int64_t end) { quantize_elements(from + begin, end - begin, chosen, at[1] + begin); });
    };
    builder.add_native(label, "plain:QuantizeLinear", run, {source, result});
    return Built::Yes;
}

Built build_dequantize(PlanBuilder& builder, const Node& node) {
    const auto params = tensor_params(builder.values(), node);
    if (!params || !builder.is_dense(node.input(0), params->dtype) || !builder.is_dense(node.output(0), DType::Float32)) return Built::No;
    const BufferId source = builder.any_form(node.input(0));
    const BufferId result = builder.result(node.output(0), with_type(builder.desc(source), dnnl::memory::data_type::f32));
    const std::int64_t count = builder.shape(node.input(0)).element_count();
    const QuantParams chosen = *params;
    const auto run = [=](std::span<std::byte* const> at, int threads) {
        auto* to = reinterpret_cast<float*>(at[1]);
        on_ranges(count, count, threads,
                  [&](std::int64_t begin, std::int64_t end) { dequantize_elements(at[0] + begin, end - begin, chosen, to + begin); });
    };
    builder.add_native({"DequantizeLinear", code_name(chosen.dtype) + "→f32", 0}, "plain:DequantizeLinear", run, {source, result});
    return Built::Yes;
}

Built build_quantized_binary(PlanBuilder& builder, const QuantizedGroup& group) {
    const Node& node = *group.main;
    const auto clamp = clamp_of(builder.values(), group.activations, *group.output_params);
    if (!clamp) return Built::No;
    BinaryCodes codes;
    const std::string_view by = float_operator(node);
    codes.operation = by == "Add" ? CodeArithmetic::Add : by == "Sub" ? CodeArithmetic::Sub : CodeArithmetic::Mul;
    codes.result = *group.output_params;
    codes.range = clamp->range;
    codes.slope = clamp->slope;
    const Shape shape = builder.shape(group.output);
    const Shape shapes[2] = {builder.shape(group.inputs[0].codes), builder.shape(group.inputs[1].codes)};
    const int full_at = shapes[0] == shape ? 0 : 1;
    if (shapes[full_at] != shape || (full_at == 1 && codes.operation == CodeArithmetic::Sub)) return Built::No;
    const QuantizedTensor &full = group.inputs[static_cast<std::size_t>(full_at)],
                          &part = group.inputs[static_cast<std::size_t>(1 - full_at)];
    codes.a = full.params;
    codes.b = part.params;
    if (codes.operation == CodeArithmetic::Add && !sum_factors(codes.a, codes.b, codes.result).are_finite()) return Built::No;
    const StepLabel label{group_label(group), code_name(codes.a.dtype) + code_name(codes.b.dtype) + "→" + code_name(codes.result.dtype), 0};
    const std::string kernel = "plain:" + node.op_type();
    if (shapes[1 - full_at] == shape) {
        const BufferId a = builder.any_form(full.codes),
                       b = builder.form(part.codes, with_type(builder.desc(a), *data_type_of(part.params.dtype)));
        const BufferId result = builder.result(group.output, with_type(builder.desc(a), *data_type_of(codes.result.dtype)));
        const std::int64_t count = shape.element_count();
        const auto run = [=](std::span<std::byte* const> at, int threads) {
            on_ranges(count, count, threads, [&](std::int64_t begin, std::int64_t end) {
                combine_codes(at[0] + begin, at[1] + begin, end - begin, codes, at[2] + begin);
            });
        };
        builder.add_native(label, kernel, run, {a, b, result});
        return Built::Yes;
    }
    // One factor a channel, as squeeze-and-excitation has.
    Shape per_channel = shape;
    for (int axis = 2; axis < shape.rank(); ++axis) per_channel[axis] = 1;
    if (shape.rank() < 3 || shapes[1 - full_at] != per_channel) return Built::No;
    const BufferId a = builder.form(full.codes, channels_last_desc(shape, *data_type_of(codes.a.dtype)));
    const BufferId b = builder.form(part.codes, channels_last_desc(per_channel, *data_type_of(codes.b.dtype)));
    const BufferId result = builder.result(group.output, channels_last_desc(shape, *data_type_of(codes.result.dtype)));
    const std::int64_t batch = shape[0], channels = shape[1], points = shape.product(2, shape.rank());
    const auto run = [=](std::span<std::byte* const> at, int threads) {
        on_ranges(batch * points, shape.element_count(), threads, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t point = begin; point < end; ++point)
                combine_codes(at[0] + point * channels, at[1] + point / points * channels, channels, codes, at[2] + point * channels);
        });
    };
    builder.add_native(label, kernel, run, {a, b, result});
    return Built::Yes;
}

Built build_quantized_table(PlanBuilder& builder, const QuantizedGroup& group) {
    const auto table = std::make_shared<const CodeTable>(table_of(builder.values(), group));
    const BufferId source = builder.any_form(group.inputs[0].codes);
    const BufferId result = builder.result(group.output, with_type(builder.desc(source), *data_type_of(group.output_params->dtype)));
    const std::int64_t count = builder.shape(group.output).element_count();
    const auto run = [=](std::span<std::byte* const> at, int threads) {
        on_ranges(count, count, threads,
                  [&](std::int64_t begin, std::int64_t end) { apply_table(at[0] + begin, end - begin, *table, at[1] + begin); });
    };
    builder.add_native({group_label(group), code_name(group.inputs[0].params.dtype) + "→" + code_name(group.output_params->dtype), 0},
                       "plain:table", run, {source, result});
    return Built::Yes;
}

}  // namespace mcompress::onednn
