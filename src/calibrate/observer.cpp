#include "calibrate/observer.h"

#include "ir/qualified_name.h"
#include "tensor/compare.h"

namespace mcompress {

namespace {

/// A body that observes a captured value may read it behind an observer of the outer graph.
const Value& behind_observers(const Value& value) {
    const Value* seen = &value;
    while (seen->producer() && seen->producer()->is("mcompress", "Observe")) seen = seen->producer()->input(0);
    return *seen;
}

}  // namespace

void Observer::observe(const Value& value, const Tensor& tensor) {
    if (!is_float(tensor.dtype())) return;
    TensorStatistics& statistics = statistics_[&behind_observers(value)];
    if (tensor.dtype() == DType::Float32) statistics.add_sample(tensor.values<float>());
    else statistics.add_sample(to_floats(tensor));
}

Tap Observer::tap() {
    return [this](const Value& value, const Tensor& tensor) { observe(value, tensor); };
}

void Observer::merge_into(CalibrationTable& table) const {
    for (const auto& [value, statistics] : statistics_) table.values[qualified_name(*value)].merge(statistics);
}

}  // namespace mcompress
