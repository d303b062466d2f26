// Which part of each activation's values its codes reach: drawn where there is something to draw on.
#include <algorithm>

#include "report/range_report.h"
#include "support/format.h"

namespace mcompress {

namespace {

constexpr std::size_t kDrawn = 12;

std::string interval(ValueRange range) { return format("{:.4g} … {:.4g}", range.min, range.max); }

}  // namespace

void add_ranges(Document& document, const std::vector<RangeSummary>& ranges) {
    if (ranges.empty()) return;
    std::vector<const RangeSummary*> order;
    for (const RangeSummary& range : ranges) order.push_back(&range);
    std::stable_sort(order.begin(), order.end(), [](const RangeSummary* a, const RangeSummary* b) { return a->clipped > b->clipped; });
    for (std::size_t at = 0; at < std::min(kDrawn, order.size()); ++at) {
        const RangeSummary& range = *order[at];
        const std::string share = range.clipped > 0.0 ? format("{:.3g} % of the values that are not 0 lie outside", 100.0 * range.clipped)
                                                      : "all values lie inside";
        document.chart(HistogramChart{format("{}: {} {}", range.value, share, interval(range.chosen)),
                                      static_cast<double>(range.observed.min), static_cast<double>(range.observed.max), range.counts,
                                      static_cast<double>(range.chosen.min), static_cast<double>(range.chosen.max)});
    }
    TextTable table({{"value", Align::Left},
                     {"codes", Align::Left},
                     {"observed", Align::Right},
                     {"range", Align::Right},
                     {"step", Align::Right},
                     {"outside", Align::Right},
                     {"zeros", Align::Right}});
    for (const RangeSummary& range : ranges)
        table.add_row({range.value, range.dtype, interval(range.observed), interval(range.chosen), format("{:.4g}", range.step),
                       format("{:.3g} %", 100.0 * range.clipped), format("{:.1f} %", 100.0 * range.zeros)});
    document.long_table("ranges of activations", std::move(table));
}

}  // namespace mcompress
