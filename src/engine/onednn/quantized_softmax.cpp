// Softmax between DequantizeLinear and QuantizeLinear, on the codes: all that it needs of an element is how many codes it lies below the largest.
#include <algorithm>
#include <array>
#include <cmath>

#include "engine/onednn/int8_elementwise.h"
#include "engine/onednn/on_threads.h"
#include "engine/onednn/quantized_operators.h"
#include "ops/shape.h"
#include "ops/softmax.h"
#include "quant/affine.h"

namespace mcompress::onednn {

namespace {

/// Rows of `extent` codes, `step` apart; `step` rows lie side by side.
struct CodeSoftmax {
    std::int64_t extent = 0, step = 1;
    DType from = DType::UInt8;
    QuantParams to;
    std::array<float, 256> powers{};  // exp(-steps * scale)

    void run(const std::byte* source, std::byte* destination, std::int64_t first, std::int64_t last) const {
        for (std::int64_t row = first; row < last; ++row) {
            const std::int64_t begin = row / step * extent * step + row % step;
            run_row(source + begin, destination + begin);
        }
    }

private:
    void run_row(const std::byte* row, std::byte* result) const {
        std::array<std::int64_t, 256> counts{};
        for (std::int64_t at = 0; at < extent; ++at) ++counts[std::to_integer<std::size_t>(row[at * step])];
        const QuantRange codes = integer_range(from), whole = integer_range(to.dtype);
        std::int32_t largest = codes.max;
        while (counts[static_cast<std::size_t>(largest & 255)] == 0) --largest;
        double sum = 0.0;
        for (std::int32_t code = largest; code >= codes.min; --code)
            sum += static_cast<double>(counts[static_cast<std::size_t>(code & 255)]) *
                   static_cast<double>(powers[static_cast<std::size_t>(largest - code)]);
        CodeTable results;
        for (std::int32_t code = largest; code >= codes.min; --code) {
            const auto slot = static_cast<std::size_t>(code & 255);
            if (counts[slot] == 0) continue;
            const auto share = static_cast<float>(static_cast<double>(powers[static_cast<std::size_t>(largest - code)]) / sum);
            results[slot] = static_cast<std::byte>(quantize_value(share, to.scale, to.zero_point, whole));
        }
        for (std::int64_t at = 0; at < extent; ++at) result[at * step] = results[std::to_integer<std::size_t>(row[at * step])];
    }
};

}  // namespace

Built build_quantized_softmax(PlanBuilder& builder, const QuantizedGroup& group) {
    const auto softmax = attrs<SoftmaxAttrs>(*group.main);
    const QuantizedTensor& input = group.inputs[0];
    const Shape shape = builder.shape(input.codes);
    const auto axis = normalize_axis(softmax.axis, shape.rank());
    if (!axis || !std::isfinite(input.params.scale)) return Built::No;
    const bool follows = softmax.extent == SoftmaxAttrs::Extent::AxisAndFollowing;
    CodeSoftmax rows;
    rows.extent = follows ? shape.product(*axis, shape.rank()) : shape[*axis];
    rows.step = follows ? 1 : shape.product(*axis + 1, shape.rank());
    rows.from = input.params.dtype;
    rows.to = *group.output_params;
    for (std::size_t steps = 0; steps < rows.powers.size(); ++steps)
        rows.powers[steps] = std::exp(-static_cast<float>(steps) * input.params.scale);
    const std::int64_t elements = shape.element_count(), count = elements / rows.extent;
    const BufferId source = builder.form(input.codes, plain_desc(shape, *data_type_of(rows.from)));
    const BufferId result = builder.result(group.output, plain_desc(shape, *data_type_of(rows.to.dtype)));
    const auto run = [=](std::span<std::byte* const> at, int threads) {
        on_ranges(count, elements, threads, [&](std::int64_t begin, std::int64_t end) { rows.run(at[0], at[1], begin, end); });
    };
    builder.add_native({group_label(group), code_name(rows.from) + "→" + code_name(rows.to.dtype), 0}, "plain:Softmax", run,
                       {source, result});
    return Built::Yes;
}

}  // namespace mcompress::onednn
