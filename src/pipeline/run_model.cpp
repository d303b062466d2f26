#include "pipeline/run_model.h"

#include <atomic>
#include <cstring>

#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "onnx/load.h"
#include "ops/infer.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress {

namespace {

bool can_join(const std::vector<Tensor>& parts) {
    const Tensor& first = parts.front();
    if (!first.defined() || first.dtype() == DType::String || first.shape().rank() == 0 || dtype_bits(first.dtype()) < 8) return false;
    for (const Tensor& part : parts) {
        if (!part.defined() || part.dtype() != first.dtype() || part.shape().rank() != first.shape().rank()) return false;
        for (int axis = 1; axis < first.shape().rank(); ++axis)
            if (part.shape()[axis] != first.shape()[axis]) return false;
    }
    return true;
}

Tensor join(const std::vector<Tensor>& parts) {
    Shape shape = parts.front().shape();
    shape[0] = 0;
    for (const Tensor& part : parts) shape[0] += part.shape()[0];
    Tensor joined = Tensor::uninitialized(parts.front().dtype(), shape);
    std::byte* at = joined.mutable_bytes();
    for (const Tensor& part : parts) {
        if (part.byte_size() > 0) std::memcpy(at, part.bytes(), part.byte_size());
        at += part.byte_size();
    }
    return joined;
}

}  // namespace

std::unique_ptr<Engine> make_engine(const std::string& name) {
    if (name == "onednn") return make_onednn_engine();
    if (name == "reference") return make_reference_engine();
    throw Error(codes::kUsage, format("there is no engine '{}'", name), "use onednn or reference");
}

std::vector<std::pair<std::string, Tensor>> run_model(const RunRequest& request) {
    const auto model = load_model(request.model);
    const Graph& graph = *model->graph;
    infer_types(*model->graph);
    if (request.data->size() == 0) throw Error(codes::kDataEmpty, "there is no sample to run", "pass --data with at least one sample");
    const auto engine = make_engine(request.engine);
    PlanCache plans(*engine, graph, {.threads = 1});
    std::vector<std::vector<Tensor>> parts(graph.outputs().size(), std::vector<Tensor>(request.data->size()));
    std::atomic<std::size_t> done{0};
    parallel_for(request.data->size(), request.threads, [&](int, std::size_t index) {
        with_context([&] { return format("sample {}", request.data->sample_name(index)); },
                     [&] {
                         const auto inputs = bind_inputs(graph, request.data->sample(index));
                         std::vector<Tensor> outputs = plans.plan_for(inputs)->run(inputs);
                         for (std::size_t at = 0; at < outputs.size(); ++at) parts[at][index] = std::move(outputs[at]);
                     });
        if (request.progress) request.progress(++done, request.data->size());
    });
    std::vector<std::pair<std::string, Tensor>> results;
    for (std::size_t at = 0; at < parts.size(); ++at) {
        const std::string& name = graph.outputs()[at]->name();
        if (can_join(parts[at])) {
            results.emplace_back(name, join(parts[at]));
        } else {
            for (std::size_t index = 0; index < parts[at].size(); ++index)
                results.emplace_back(format("{}.{}", name, index), std::move(parts[at][index]));
        }
    }
    return results;
}

}  // namespace mcompress
