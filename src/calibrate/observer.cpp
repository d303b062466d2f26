#include "calibrate/observer.h"

#include <limits>

#include "ir/qualified_name.h"
#include "tensor/compare.h"

namespace mcompress {

namespace {

constexpr std::size_t kManySamples = 64;

/// A body that observes a captured value may read it behind an observer of the outer graph.
const Value& behind_observers(const Value& value) {
    const Value* seen = &value;
    while (seen->producer() && seen->producer()->is("mcompress", "Observe")) seen = seen->producer()->input(0);
    return *seen;
}

}  // namespace

// With few samples every value counts: an estimate from a part of them moves ranges, and there is little time to save.
Observer::Observer(std::size_t samples)
    : thinned_from_(samples < kManySamples ? std::numeric_limits<std::size_t>::max() : AnchoredHistogram::kThinnedFrom) {}

void Observer::observe(const Value& value, const Tensor& tensor) {
    if (!is_float(tensor.dtype())) return;
    TensorStatistics& statistics = statistics_[&behind_observers(value)];
    if (tensor.dtype() == DType::Float32) statistics.add_sample(tensor.values<float>(), thinned_from_);
    else statistics.add_sample(to_floats(tensor), thinned_from_);
}

Tap Observer::tap() {
    return [this](const Value& value, const Tensor& tensor) { observe(value, tensor); };
}

void Observer::merge_into(CalibrationTable& table) const {
    for (const auto& [value, statistics] : statistics_) table.values[qualified_name(*value)].merge(statistics);
}

}  // namespace mcompress
