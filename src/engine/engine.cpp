#include "engine/engine.h"

#include "support/error.h"

namespace mcompress {

std::span<float> writable_values(const Tensor& tensor) {
    const auto values = tensor.values<float>();
    return {const_cast<float*>(values.data()), values.size()};  // the plan's own memory: it owns no constant
}

std::vector<Tensor> ExecutionPlan::run(std::span<const Tensor> inputs, const Tap& tap) const {
    const std::vector<RuntimeValue> given(inputs.begin(), inputs.end());
    std::vector<Tensor> outputs;
    for (const RuntimeValue& output : run_values(given, tap)) {
        if (!output.is_tensor())
            fail(codes::kOperatorUnsupported, "output {} of the graph is {}; only tensors can be taken here", outputs.size(),
                 output.to_string());
        outputs.push_back(output.tensor());
    }
    return outputs;
}

}  // namespace mcompress
