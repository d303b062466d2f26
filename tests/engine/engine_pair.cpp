#include "engine_pair.h"

#include <algorithm>
#include <cmath>

#include "ops/infer.h"
#include "tensor/compare.h"

using namespace mcompress;

namespace {

struct BothResults {
    std::vector<Tensor> reference, onednn;
};

BothResults run_both(GraphMaker& maker, int threads) {
    infer_types(maker.graph());
    CompileOptions options;
    options.threads = threads;
    const std::vector<Tensor> inputs = maker.random_inputs();
    const auto reference = make_reference_engine()->compile(maker.graph(), options);
    const auto onednn = make_onednn_engine()->compile(maker.graph(), options);
    onednn->run(inputs);  // a second run must not see what the first left behind
    return {reference->run(inputs), onednn->run(inputs)};
}

}  // namespace

double relative_difference(GraphMaker& maker, int threads) {
    const BothResults results = run_both(maker, threads);
    double worst = 0.0;
    for (std::size_t at = 0; at < results.reference.size(); ++at) {
        if (results.reference[at].shape() != results.onednn[at].shape() || results.reference[at].dtype() != results.onednn[at].dtype())
            return 1e30;
        ErrorMeasure error;
        error.add(to_floats(results.reference[at]), to_floats(results.onednn[at]));
        if (error.not_finite > 0) return 1e30;
        worst = std::max(worst, error.max_reference > 0.0 ? error.relative_max() : error.max_absolute);
    }
    return worst;
}

int code_difference(GraphMaker& maker, int threads) {
    const BothResults results = run_both(maker, threads);
    int worst = 0;
    for (std::size_t at = 0; at < results.reference.size(); ++at) {
        if (results.reference[at].shape() != results.onednn[at].shape() || results.reference[at].dtype() != results.onednn[at].dtype())
            return 1000;
        const std::vector<float> a = to_floats(results.reference[at]), b = to_floats(results.onednn[at]);
        for (std::size_t element = 0; element < a.size(); ++element)
            worst = std::max(worst, static_cast<int>(std::abs(a[element] - b[element])));
    }
    return worst;
}

std::vector<StepInfo> steps_of(GraphMaker& maker) {
    infer_types(maker.graph());
    const auto plan = make_onednn_engine()->compile(maker.graph(), {});
    return {plan->steps().begin(), plan->steps().end()};
}

bool has_step(GraphMaker& maker, const std::string& op) {
    const auto steps = steps_of(maker);
    return std::any_of(steps.begin(), steps.end(), [&](const StepInfo& step) { return step.op == op; });
}

bool has_reference_step(GraphMaker& maker) {
    const auto steps = steps_of(maker);
    return std::any_of(steps.begin(), steps.end(), [](const StepInfo& step) { return step.kernel.starts_with("ref"); });
}
