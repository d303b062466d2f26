#include "ops/standard_op.h"

#include <algorithm>

#include "ops/infer_rules.h"
#include "support/check.h"

namespace mcompress {

namespace {

// The last axis becomes the second one; a rank below 3 is left to the operator's own check.
ValueType channels_first(ValueType type) {
    if (type.has_rank() && type.rank() > 2) std::rotate(type.dims->begin() + 1, type.dims->end() - 1, type.dims->end());
    return type;
}

ValueType channels_last(ValueType type) {
    if (type.has_rank() && type.rank() > 2) std::rotate(type.dims->begin() + 1, type.dims->begin() + 2, type.dims->end());
    return type;
}

}  // namespace

const OpInfo& standard_op(std::string_view type) {
    const OpInfo* row = find_op("", type, kNewestOpset);
    MCOMPRESS_CHECK(row != nullptr);
    return *row;
}

void infer_with_channels(InferContext& context, std::string_view type, int input, ChannelOrder order) {
    const OpInfo& row = standard_op(type);
    if (order == ChannelOrder::First) return row.infer(context);
    std::vector<ValueType> types;
    std::vector<const Tensor*> constants(static_cast<std::size_t>(context.input_count()), nullptr);
    for (int index = 0; index < context.input_count(); ++index)
        types.push_back(index == input ? channels_first(context.input(index)) : context.input(index));
    InferContext turned(context.node(), types, constants);
    row.infer(turned);
    for (int index = 0; index < turned.output_count(); ++index)
        context.set_output(index, channels_last(turned.outputs()[static_cast<std::size_t>(index)]));
}

}  // namespace mcompress
