#include "passes/quantize/unseen_range.h"

#include <algorithm>
#include <limits>

#include "ir/qualified_name.h"
#include "ops/attributes.h"
#include "ops/elementwise.h"
#include "quant/range_unseen.h"

namespace mcompress {
namespace {

/// What an operator's results never leave.
ValueRange bounds_of(const Value& value) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const Node* node = value.producer();
    if (!node) return {-kInfinity, kInfinity};
    if (node->is("Clip")) {
        const ClipAttrs clip = attrs<ClipAttrs>(*node);
        if (!clip.is_settled()) return {-kInfinity, kInfinity};
        return {clip.min.value ? static_cast<float>(*clip.min.value) : -kInfinity,
                clip.max.value ? static_cast<float>(*clip.max.value) : kInfinity};
    }
    if (node->is("Tanh")) return {-1.0F, 1.0F};
    if (node->is("Relu")) return {0.0F, kInfinity};
    if (node->is("Sigmoid") || node->is("HardSigmoid") || node->is("Softmax")) return {0.0F, 1.0F};
    return {-kInfinity, kInfinity};
}

}  // namespace

std::optional<ValueRange> unseen_range(const Value& value, const TensorStatistics& statistics, const QuantizationScheme& scheme) {
    const std::string name = qualified_name(value);
    if (scheme.ranges.contains(name)) return std::nullopt;
    const int bits = dtype_bits(scheme.dtype_of(name));
    if (bits <= 8 && scheme.range_method != "auto" && scheme.range_method != "least-error") return std::nullopt;
    std::optional<ValueRange> range = range_beyond_seen(statistics, static_cast<double>((1 << bits) - 1));
    if (!range) return std::nullopt;
    const ValueRange bounds = bounds_of(value);
    range->min = std::max(range->min, std::min(bounds.min, std::min(statistics.min, 0.0F)));
    range->max = std::min(range->max, std::max(bounds.max, std::max(statistics.max, 0.0F)));
    return range;
}

}  // namespace mcompress
