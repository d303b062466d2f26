// Pools, averages, concatenation and movement of 8-bit codes.
#include <algorithm>
#include <cstring>
#include <memory>

#include "engine/code_operators.h"
#include "engine/onednn/int8_elementwise.h"
#include "engine/onednn/on_threads.h"
#include "engine/onednn/quantized_operators.h"
#include "ops/pool.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "quant/affine.h"

namespace mcompress::onednn {

namespace {

dnnl::memory::data_type type_of(DType dtype) { return *data_type_of(dtype); }

/// A window over the lines and columns of a channels-last picture.
struct Averaging {
    std::int64_t batch, channels, height, width, out_height, out_width;
    WindowAxis y, x;
    bool counts_padding = false;
    QuantParams from, to;

    void run(const std::byte* source, std::byte* destination, std::int64_t first, std::int64_t last) const {
        std::vector<std::int32_t> sums(static_cast<std::size_t>(channels));
        std::vector<float> means(static_cast<std::size_t>(channels));
        for (std::int64_t point = first; point < last; ++point) {
            const std::int64_t ox = point % out_width, oy = point / out_width % out_height, n = point / out_width / out_height;
            std::fill(sums.begin(), sums.end(), 0);
            std::int64_t inside = 0;
            for (std::int64_t ky = 0; ky < y.kernel; ++ky)
                for (std::int64_t kx = 0; kx < x.kernel; ++kx) {
                    const std::int64_t line = oy * y.stride - y.pad_begin + ky * y.dilation,
                                       column = ox * x.stride - x.pad_begin + kx * x.dilation;
                    if (line < 0 || line >= height || column < 0 || column >= width) continue;
                    ++inside;
                    add_codes(source + ((n * height + line) * width + column) * channels, channels, from.dtype, sums.data());
                }
            const std::int64_t counted = counts_padding ? y.kernel * x.kernel : std::max<std::int64_t>(inside, 1);
            const auto offset = static_cast<std::int32_t>(inside * from.zero_point);
            for (std::size_t channel = 0; channel < sums.size(); ++channel)
                means[channel] = static_cast<float>(sums[channel] - offset) * from.scale / static_cast<float>(counted);
            quantize_elements(means.data(), channels, to, destination + point * channels);
        }
    }
};

std::optional<Averaging> describe_average(const PlanBuilder& builder, const QuantizedGroup& group) {
    const Node& node = *group.main;
    const Shape source = builder.shape(group.inputs[0].codes), result = builder.shape(group.output);
    if (source.rank() != 4) return std::nullopt;
    Averaging average{};
    average.batch = source[0];
    average.channels = source[1];
    average.height = source[2];
    average.width = source[3];
    average.out_height = average.out_width = 1;
    average.y.kernel = source[2];
    average.x.kernel = source[3];
    average.from = group.inputs[0].params;
    average.to = *group.output_params;
    if (float_operator(node) == "AveragePool") {
        const auto pool = attrs<PoolAttrs>(node);
        const Window window = pool.geometry(source);
        average.y = window[0];
        average.x = window[1];
        average.out_height = result[2];
        average.out_width = result[3];
        average.counts_padding = pool.count_include_pad;
        for (int axis = 0; axis < 2; ++axis) {  // windows over the edge of the padding count fewer elements
            const WindowAxis& w = window[static_cast<std::size_t>(axis)];
            const std::int64_t reach = (w.output - 1) * w.stride + (w.kernel - 1) * w.dilation + 1;
            if (average.counts_padding && reach > source[axis + 2] + w.pad_begin + w.pad_end) return std::nullopt;
        }
    } else if (node.is("ReduceMean")) {
        const auto reduce = attrs<ReduceAttrs>(node);
        std::vector<std::int64_t> given = reduce.axes.values.value_or(std::vector<std::int64_t>{});
        if (reduce.axes.input >= 0 && node.input(reduce.axes.input))
            given = integers_of(*builder.known(node.input(reduce.axes.input))).value_or(given);
        if (reduce.resolve(4, given) != std::vector<int>{2, 3}) return std::nullopt;
    }
    return average;
}

}  // namespace

Built build_quantized_average(PlanBuilder& builder, const QuantizedGroup& group) {
    const auto average = describe_average(builder, group);
    if (!average) return Built::No;
    const Shape result_shape = builder.shape(group.output);
    const BufferId source =
        builder.form(group.inputs[0].codes, channels_last_desc(builder.shape(group.inputs[0].codes), type_of(average->from.dtype)));
    const BufferId result = builder.result(group.output, channels_last_desc(result_shape, type_of(average->to.dtype)));
    const Averaging chosen = *average;
    const auto run = [chosen](std::span<std::byte* const> at, int threads) {
        const std::int64_t points = chosen.batch * chosen.out_height * chosen.out_width;
        on_ranges(points, points * chosen.channels * chosen.y.kernel * chosen.x.kernel, threads,
                  [&](std::int64_t begin, std::int64_t end) { chosen.run(at[0], at[1], begin, end); });
    };
    builder.add_native({group_label(group), code_name(chosen.from.dtype) + "→" + code_name(chosen.to.dtype), 0},
                       "plain:" + group.main->op_type(), run, {source, result});
    return Built::Yes;
}

Built build_quantized_pool(PlanBuilder& builder, const QuantizedGroup& group) {
    const Node& node = *group.main;
    const Shape source = builder.shape(group.inputs[0].codes);
    if (group.inputs[0].params != *group.output_params || source.rank() < 3 || source.rank() > 5) return Built::No;
    const auto pool = attrs<PoolAttrs>(node);
    const auto type = type_of(group.output_params->dtype);
    PoolingSpec spec;
    spec.algorithm = dnnl::algorithm::pooling_max;
    spec.source = channels_last_desc(source, type);
    spec.destination = channels_last_desc(builder.shape(group.output), type);
    int axis = 2;
    for (const WindowAxis& window : pool.geometry(source)) {
        spec.strides.push_back(window.stride);
        spec.kernel.push_back(window.kernel);
        spec.dilations.push_back(window.dilation - 1);
        spec.pad_begin.push_back(window.pad_begin);
        spec.pad_end.push_back(window.stride * (window.output - 1) + window.dilation * (window.kernel - 1) + 1 - window.pad_begin -
                               source[axis++]);
    }
    Primitive primitive = make_pooling(builder.engine(), spec);
    if (primitive.is_reference()) return Built::No;
    const BufferId from = builder.form(group.inputs[0].codes, spec.source);
    builder.add({group_label(group), code_name(group.output_params->dtype), 0}, std::move(primitive),
                {{DNNL_ARG_SRC, from}, {DNNL_ARG_DST, builder.result(group.output, spec.destination)}});
    return Built::Yes;
}

Built build_quantized_concat(PlanBuilder& builder, const QuantizedGroup& group) {
    const Shape shape = builder.shape(group.output);
    const auto axis = normalize_axis(attrs<ConcatAttrs>(*group.main).axis, shape.rank());
    if (!axis) return Built::No;
    const bool channels_last = shape.rank() >= 4 && *axis == 1;
    const auto layout = [&](const Shape& of, DType dtype) {
        return channels_last ? channels_last_desc(of, type_of(dtype)) : plain_desc(of, type_of(dtype));
    };
    struct Part {
        std::int64_t bytes = 0;  // of one outer index
        std::optional<CodeTable> table;
    };
    std::vector<Part> parts;
    std::vector<BufferId> operands;
    for (const QuantizedTensor& input : group.inputs) {
        const Shape of = builder.shape(input.codes);
        Part part;
        part.bytes = channels_last ? of[1] : of.product(*axis, of.rank());
        if (input.params != *group.output_params) {
            part.table.emplace();
            const QuantRange from = integer_range(input.params.dtype), to = integer_range(group.output_params->dtype);
            for (std::int32_t code = from.min; code <= from.max; ++code)
                (*part.table)[static_cast<std::size_t>(code & 255)] =
                    static_cast<std::byte>(quantize_value(dequantize_value(code, input.params.scale, input.params.zero_point),
                                                          group.output_params->scale, group.output_params->zero_point, to));
        }
        parts.push_back(std::move(part));
        operands.push_back(builder.form(input.codes, layout(of, input.params.dtype)));
    }
    const std::int64_t outer = channels_last ? shape.element_count() / shape[1] : shape.product(0, *axis);
    const std::int64_t row = shape.element_count() / outer;
    operands.push_back(builder.result(group.output, layout(shape, group.output_params->dtype)));
    const auto run = [parts = std::move(parts), outer, row](std::span<std::byte* const> at, int threads) {
        on_ranges(outer, outer * row, threads, [&](std::int64_t begin, std::int64_t end) {
            std::byte* to = at[parts.size()] + begin * row;
            for (std::int64_t index = begin; index < end; ++index)
                for (std::size_t part = 0; part < parts.size(); ++part) {
                    const std::int64_t bytes = parts[part].bytes;
                    const std::byte* from = at[part] + index * bytes;
                    if (parts[part].table) apply_table(from, bytes, *parts[part].table, to);
                    else std::memcpy(to, from, static_cast<std::size_t>(bytes));
                    to += bytes;
                }
        });
    };
    builder.add_native({group_label(group), code_name(group.output_params->dtype), 0}, "plain:Concat", run, operands);
    return Built::Yes;
}

Built build_quantized_move(PlanBuilder& builder, const QuantizedGroup& group) {
    const Node& node = *group.main;
    const Value* codes = group.inputs[0].codes;
    if (group.inputs[0].params != *group.output_params) return Built::No;
    const Shape from = builder.shape(codes), to = builder.shape(group.output);
    const auto type = type_of(group.output_params->dtype);
    const StepLabel label{group_label(group), code_name(group.output_params->dtype), 0};
    if (node.is("Transpose")) {
        const std::vector<std::int64_t> strides = from.strides();
        Dims permuted;
        for (const int axis : attrs<TransposeAttrs>(node).resolve(from.rank())) permuted.push_back(strides[static_cast<std::size_t>(axis)]);
        const Desc seen = strided_desc(to, type, permuted), plain = plain_desc(to, type);
        Primitive primitive = make_reorder(builder.engine(), seen, plain);
        const BufferId read = builder.view(builder.plain_form(codes), seen);
        builder.add(label, std::move(primitive), {{DNNL_ARG_FROM, read}, {DNNL_ARG_TO, builder.result(group.output, plain)}});
        return Built::Yes;
    }
    constexpr std::string_view kSameOrder[] = {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity"};
    if (std::find(std::begin(kSameOrder), std::end(kSameOrder), node.op_type()) != std::end(kSameOrder)) {
        builder.share(group.output, codes, builder.plain_form(codes), plain_desc(to, type));
        return Built::Yes;
    }
    std::vector<const Value*> inputs(node.inputs().begin(), node.inputs().end());
    inputs[0] = codes;
    builder.add_plain(node, inputs, {group.output});
    return Built::Yes;
}

}  // namespace mcompress::onednn
