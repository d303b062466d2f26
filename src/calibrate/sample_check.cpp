#include "calibrate/sample_check.h"

#include "support/error.h"
#include "support/log.h"
#include "tensor/compare.h"
#include "tensor/statistics.h"

namespace mcompress {

namespace {

ValueSummary summarize_tensor(const Tensor& tensor) {
    return tensor.dtype() == DType::Float32 ? summarize(tensor.values<float>()) : summarize(to_floats(tensor));
}

bool has_numbers(const Tensor& tensor) {
    return tensor.dtype() == DType::Bool || is_float(tensor.dtype()) || is_signed_integer(tensor.dtype()) ||
           is_unsigned_integer(tensor.dtype());
}

std::string input_name(const Graph& graph, const Sample& sample, std::size_t slot) {
    if (!sample[slot].first.empty()) return sample[slot].first;
    return slot < graph.inputs().size() ? graph.inputs()[slot]->name() : format("#{}", slot);
}

}  // namespace

std::size_t samples_per_run(const Graph& graph, const Sample& sample) {
    for (std::size_t slot = 0; slot < sample.size(); ++slot) {
        const Value* input = graph.find_value(input_name(graph, sample, slot));
        if (!input || !input->type().has_rank() || input->type().rank() == 0) continue;
        const Dim& batch = input->type().dims->front();
        const Shape& shape = sample[slot].second.shape();
        if (batch.is_known() && batch.extent() > 1 && shape.rank() == input->type().rank() && shape[0] == 1)
            return static_cast<std::size_t>(batch.extent());
    }
    return 1;
}

void check_finite(const Sample& sample) {
    for (const auto& [name, tensor] : sample) {
        if (!is_float(tensor.dtype())) continue;
        const ValueSummary summary = summarize_tensor(tensor);
        if (summary.all_finite()) continue;
        throw Error(codes::kDataNotFinite,
                    format("{} has {} NaN and {} infinite values", name.empty() ? "the input" : format("input '{}'", name), summary.nans,
                           summary.infinities),
                    "leave this sample out, or repair it");
    }
}

void describe_first_sample(const Graph& graph, const Sample& sample) {
    for (std::size_t slot = 0; slot < sample.size(); ++slot) {
        const Tensor& tensor = sample[slot].second;
        if (!has_numbers(tensor) || tensor.element_count() == 0) continue;
        const std::string name = input_name(graph, sample, slot);
        const ValueSummary summary = summarize_tensor(tensor);
        double sum = 0.0;
        for (const float value : to_floats(tensor)) sum += static_cast<double>(value);
        log_info("first sample: {} {}{} from {:.4g} to {:.4g}, mean {:.4g}", name, dtype_name(tensor.dtype()), tensor.shape().to_string(),
                 static_cast<double>(summary.min), static_cast<double>(summary.max), sum / static_cast<double>(tensor.element_count()));
        if (summary.min == summary.max && tensor.element_count() > 1)
            log_warning("first sample: every element of '{}' is {:g}; is this real data?", name, static_cast<double>(summary.min));
    }
}

}  // namespace mcompress
