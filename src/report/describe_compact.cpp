// What compacting did, for people.
#include "report/compact_report.h"
#include "report/describe_parts.h"
#include "support/format.h"

namespace mcompress {

Document describe(const CompactReport& report) {
    Document document("compact " + report.before.path);
    document.table(before_after_table(report.before, report.after));
    document.paragraph(report.removed == 0 ? "every channel adds something: nothing was removed"
                                           : format("{} channels, heads or hidden units add nothing and are gone", report.removed));
    TextTable layers({{"layer", Align::Left}, {"op", Align::Left}, {"channels", Align::Right}, {"now", Align::Right}});
    for (const NarrowedLayer& layer : report.layers)
        layers.add_row({layer.node, layer.op, with_thousands(layer.before), with_thousands(layer.after)});
    document.table(std::move(layers));
    document.table(skip_table(report.kept, "stays as it is because"));
    return document;
}

}  // namespace mcompress
