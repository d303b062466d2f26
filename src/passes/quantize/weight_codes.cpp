#include "passes/quantize/weight_codes.h"

#include <algorithm>
#include <cmath>

#include "quant/affine.h"
#include "quant/row_rounding.h"
#include "support/error.h"

namespace mcompress {

ChannelLayout ChannelLayout::of(const Shape& shape, std::optional<int> axis) {
    if (!axis) return {};
    return {std::max<std::int64_t>(shape[*axis], 1), std::max<std::int64_t>(shape.product(*axis + 1, shape.rank()), 1)};
}

void check_finite(const Tensor& tensor, std::string_view name) {
    const std::span<const float> values = tensor.values<float>();
    const auto found = std::find_if_not(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
    if (found == values.end()) return;
    throw Error(codes::kNotFinite, format("element {} of '{}' is {}", found - values.begin(), name, *found),
                "the model was damaged or diverged in training; exclude the node to keep it in float");
}

namespace {

/// Greatest |w| of each channel.
std::vector<float> channel_magnitudes(const Tensor& weight, const ChannelLayout& layout) {
    const std::span<const float> values = weight.values<float>();
    std::vector<float> magnitudes(static_cast<std::size_t>(layout.channels), 0.0f);
    for (std::int64_t at = 0; at < weight.element_count(); ++at) {
        float& magnitude = magnitudes[layout.channel(at)];
        magnitude = std::max(magnitude, std::fabs(values[static_cast<std::size_t>(at)]));
    }
    return magnitudes;
}

/// The rows of a weight, one an output channel, and the pairs that kernels form of each; none where sums are wide.
class WeightRows {
public:
    WeightRows(const Shape& shape, const SummationOrder& order, SumWidth sums)
        : pairs_(sums == SumWidth::SixteenBitPairs ? summed_pairs(shape, order) : std::vector<CodePair>{}),
          offsets_(row_offsets(shape, order.channel_axis)),
          stride_(shape.product(order.channel_axis + 1, shape.rank())),
          rows_(shape[order.channel_axis]) {}

    std::int64_t rows() const { return rows_; }
    std::span<const CodePair> pairs() const { return pairs_; }
    std::vector<float> gather(const float* elements, std::int64_t row) const {
        std::vector<float> values;
        values.reserve(offsets_.size());
        for (const std::int64_t offset : offsets_) values.push_back(elements[offset + row * stride_]);
        return values;
    }
    void scatter(std::span<const std::int8_t> codes, std::int8_t* elements, std::int64_t row) const {
        for (std::size_t at = 0; at < offsets_.size(); ++at) elements[offsets_[at] + row * stride_] = codes[at];
    }

private:
    std::vector<CodePair> pairs_;
    std::vector<std::int64_t> offsets_;
    std::int64_t stride_;
    std::int64_t rows_;
};

/// Whether plain rounding leaves every pair of the row within the limit.
bool fits_rounded(std::span<const float> row, std::span<const CodePair> pairs, float scale) {
    const QuantRange range = symmetric_weight_range(DType::Int8);
    const auto code = [&](std::int32_t position) {
        return static_cast<std::int8_t>(quantize_value(row[static_cast<std::size_t>(position)], scale, 0, range));
    };
    return std::all_of(pairs.begin(), pairs.end(),
                       [&](const CodePair& pair) { return pair_magnitude(code(pair.first), code(pair.second)) <= pair_limit(); });
}

/// The scales with which rows are rounded: greater where pairs of a row (of any row, when there is one scale) do not fit.
void raise_scales(const float* weights, const WeightRows& rows, std::vector<float>& scales) {
    if (rows.pairs().empty()) return;
    if (scales.size() > 1) {
        for (std::int64_t row = 0; row < rows.rows(); ++row) {
            float& scale = scales[static_cast<std::size_t>(row)];
            const std::vector<float> values = rows.gather(weights, row);
            if (fits_rounded(values, rows.pairs(), scale)) continue;
            PairScaleSearch search(scale);
            search.add(values, rows.pairs());
            scale = search.best();
        }
        return;
    }
    PairScaleSearch search(scales.front());
    bool all_fit = true;
    for (std::int64_t row = 0; row < rows.rows(); ++row) {
        const std::vector<float> values = rows.gather(weights, row);
        all_fit = fits_rounded(values, rows.pairs(), scales.front()) && all_fit;
        search.add(values, rows.pairs());
    }
    if (!all_fit) scales.front() = search.best();
}

}  // namespace

QuantizedWeight quantize_weight(const Tensor& weight, std::optional<int> axis, const std::optional<SummationOrder>& order, SumWidth sums,
                                DType dtype, std::string_view name) {
    check_finite(weight, name);
    const ChannelLayout layout = ChannelLayout::of(weight.shape(), axis);
    ChannelParams params = choose_channel_params(channel_magnitudes(weight, layout), dtype, axis.value_or(0));
    Tensor codes = Tensor::uninitialized(dtype, weight.shape());
    const float* values = weight.data<float>();
    std::int8_t* written = codes.mutable_data<std::int8_t>();
    if (order && weight.element_count() > 0) {
        const WeightRows rows(weight.shape(), *order, sums);
        raise_scales(values, rows, params.scales);
        for (std::int64_t row = 0; row < rows.rows(); ++row) {
            const float scale = params.scales[params.scales.size() == 1 ? 0 : static_cast<std::size_t>(row)];
            rows.scatter(round_row(rows.gather(values, row), scale, rows.pairs()), written, row);
        }
    } else {
        const QuantRange range = symmetric_weight_range(dtype);
        for (std::int64_t index = 0; index < weight.element_count(); ++index)
            written[index] = static_cast<std::int8_t>(quantize_value(values[index], params.scales[layout.channel(index)], 0, range));
    }
    return {std::move(codes), Tensor::from_values(axis ? Shape{layout.channels} : Shape{}, params.scales)};
}

}  // namespace mcompress
