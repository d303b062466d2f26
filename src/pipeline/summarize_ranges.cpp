#include "pipeline/summarize_ranges.h"

#include <algorithm>
#include <cmath>

#include "ir/qualified_name.h"
#include "passes/quantize/code_params.h"
#include "passes/quantize/qdq_pair.h"
#include "passes/quantize/quantized_view.h"
#include "passes/rewriter.h"

namespace mcompress {

namespace {

/// Adds one side's bins to the parts of the observed range, and returns how much of them lies outside the chosen one. A bin is counted where its
/// middle is; the bins are at least 2048 over the range.
double add_side(std::span<const std::uint64_t> bins, double width, RangeSummary& range) {
    const double low = static_cast<double>(range.observed.min), span = static_cast<double>(range.observed.max) - low;
    double outside = 0.0;
    for (std::size_t bin = 0; bin < bins.size(); ++bin) {
        if (bins[bin] == 0) continue;
        const auto count = static_cast<double>(bins[bin]);
        const double middle = (static_cast<double>(bin) + 0.5) * width;
        const double share = span > 0.0 ? std::clamp((middle - low) / span, 0.0, 1.0) : 0.0;
        const auto part = static_cast<std::size_t>(share * static_cast<double>(kRangeBins));
        range.counts[std::min(part, kRangeBins - 1)] += count;
        // Half a step beyond the last code still rounds to it.
        const bool is_inside = middle >= static_cast<double>(range.chosen.min) - range.step / 2.0 - std::abs(width) &&
                               middle <= static_cast<double>(range.chosen.max) + range.step / 2.0 + std::abs(width);
        if (!is_inside) outside += count;
    }
    return outside;
}

RangeSummary summarize(const std::string& name, const QuantParams& params, const TensorStatistics& statistics) {
    RangeSummary range;
    range.value = name;
    range.dtype = dtype_name(params.dtype);
    range.observed = {statistics.min, statistics.max};
    range.chosen = representable_range(params);
    range.step = static_cast<double>(params.scale);
    range.zeros = static_cast<double>(statistics.zeros) / static_cast<double>(statistics.count);
    range.counts.assign(kRangeBins, 0.0);
    const double width = statistics.histogram.bin_width();
    const double outside =
        add_side(statistics.histogram.positive(), width, range) + add_side(statistics.histogram.negative(), -width, range);
    double all = 0.0;
    for (const double count : range.counts) all += count;
    range.clipped = all > 0.0 ? outside / all : 0.0;
    return range;
}

}  // namespace

std::vector<RangeSummary> summarize_ranges(Graph& graph, const CalibrationTable& table) {
    std::vector<RangeSummary> ranges;
    for_each_node(graph, [&](const Node& node) {
        if (!is_quantizer(node)) return;
        // Behind an activation that its codes' range made superfluous the input is another value; the codes keep the name.
        std::string name = qualified_name(*node.input(0));
        if (!table.values.contains(name)) name = without_code_suffix(qualified_name(*node.output(0)));
        const auto found = table.values.find(name);
        const auto params = params_of(node);
        if (found != table.values.end() && found->second.count > 0 && params) ranges.push_back(summarize(name, *params, found->second));
    });
    return ranges;
}

}  // namespace mcompress
