#include "pipeline/run_model.h"
#include "pipeline/prepare.h"

#include <atomic>
#include <cstring>

#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "ops/infer.h"
#include "pipeline/fixed_batch.h"
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

/// Of a batch that was filled up: the rows of the samples that were given. Outputs without an axis for the batch stay as they are.
Tensor first_rows(const Tensor& tensor, std::size_t batch, std::size_t count) {
    const bool has_rows = tensor.defined() && tensor.dtype() != DType::String && dtype_bits(tensor.dtype()) >= 8 &&
                          tensor.shape().rank() > 0 && tensor.shape()[0] == static_cast<std::int64_t>(batch);
    if (!has_rows) return tensor;
    Shape shape = tensor.shape();
    shape[0] = static_cast<std::int64_t>(count);
    return Tensor::from_bytes(tensor.dtype(), shape, {tensor.bytes(), tensor.byte_size() / batch * count});
}

}  // namespace

std::unique_ptr<Engine> make_engine(const std::string& name) {
    if (name == "onednn") return make_onednn_engine();
    if (name == "reference") return make_reference_engine();
    throw Error(codes::kUsage, format("there is no engine '{}'", name), "use onednn or reference");
}

ComputeType compute_type(const std::string& name) {
    if (name == "f32") return ComputeType::Float32;
    if (name == "bf16") return ComputeType::BFloat16;
    throw Error(codes::kUsage, format("there is no compute type '{}'", name), "use f32 or bf16");
}

namespace {

/// What a model runs on that asks for nothing.
class EmptySample final : public Dataset {
public:
    std::size_t size() const override { return 1; }
    Sample sample(std::size_t /*index*/) const override { return {}; }
    std::string sample_name(std::size_t /*index*/) const override { return "without inputs"; }
};

bool asks_for_nothing(const Graph& graph) {
    return std::all_of(graph.inputs().begin(), graph.inputs().end(), [](const Value* input) { return input->default_value(); });
}

}  // namespace

std::vector<std::pair<std::string, Tensor>> run_model(const RunRequest& request) {
    const auto model = load_inlined(request.model);
    const Graph& graph = *model->graph;
    infer_types(*model->graph);
    const EmptySample nothing;
    if (!request.data && !asks_for_nothing(graph)) throw Error(codes::kUsage, "--data is required", "say what to run the model on");
    const Dataset& given = request.data ? *request.data : nothing;
    const auto [samples, batch] = fit_batch(graph, given, LastBatch::Fill);
    const Dataset& data = *samples;
    const auto engine = make_engine(request.engine);
    PlanCache plans(*engine, graph, {.threads = 1, .compute = request.compute});
    std::vector<std::vector<Tensor>> parts(graph.outputs().size(), std::vector<Tensor>(data.size()));
    std::atomic<std::size_t> done{0};
    parallel_for(data.size(), request.threads, [&](int, std::size_t index) {
        with_context([&] { return format("sample {}", data.sample_name(index)); },
                     [&] {
                         const auto inputs = bind_inputs(graph, data.sample(index));
                         std::vector<Tensor> outputs = plans.plan_for(inputs)->run(inputs);
                         for (std::size_t at = 0; at < outputs.size(); ++at) parts[at][index] = std::move(outputs[at]);
                     });
        if (request.progress) request.progress(++done, data.size());
    });
    if (const std::size_t rest = given.size() % batch; rest > 0)
        for (std::vector<Tensor>& of_output : parts) of_output.back() = first_rows(of_output.back(), batch, rest);
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
