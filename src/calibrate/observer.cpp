#include "calibrate/observer.h"

#include "tensor/compare.h"

namespace mcompress {

void Observer::observe(const Value& value, const Tensor& tensor) {
    if (!is_float(tensor.dtype())) return;
    TensorStatistics& statistics = statistics_[&value];
    if (tensor.dtype() == DType::Float32) statistics.add_sample(tensor.values<float>());
    else statistics.add_sample(to_floats(tensor));
}

Tap Observer::tap() {
    return [this](const Value& value, const Tensor& tensor) { observe(value, tensor); };
}

void Observer::merge_into(CalibrationTable& table) const {
    for (const auto& [value, statistics] : statistics_) table.values[value->name()].merge(statistics);
}

}  // namespace mcompress
