#include "engine/bind_inputs.h"

#include "support/error.h"
#include "support/nearest.h"

namespace mcompress {

namespace {

std::string expected_inputs(const Graph& graph) {
    std::string text;
    for (const Value* input : graph.inputs())
        text += (text.empty() ? "" : ", ") + format("{} {}", input->type().to_string(), input->name());
    return text;
}

[[noreturn]] void fail_mismatch(const Graph& graph, std::string message) {
    throw Error(codes::kDataMismatch, std::move(message), format("the model takes {}", expected_inputs(graph)));
}

void check_tensor(const Graph& graph, const Value& input, const Tensor& tensor) {
    const ValueType& type = input.type();
    if (!type.is_tensor()) return;
    if (type.dtype != DType::Undefined && type.dtype != tensor.dtype())
        fail_mismatch(graph,
                      format("input '{}' wants {}, the data is {}", input.name(), dtype_name(type.dtype), dtype_name(tensor.dtype())));
    if (!type.has_rank()) return;
    bool fits = type.rank() == tensor.shape().rank();
    for (int axis = 0; fits && axis < type.rank(); ++axis) {
        const Dim& dim = (*type.dims)[static_cast<std::size_t>(axis)];
        fits = !dim.is_known() || dim.extent() == tensor.shape()[axis];
    }
    if (!fits)
        fail_mismatch(graph,
                      format("input '{}' wants shape {}, the data has {}", input.name(), type.to_string(), tensor.shape().to_string()));
}

std::size_t index_of(const Graph& graph, const std::string& name) {
    std::vector<std::string> names;
    for (const Value* input : graph.inputs()) {
        if (input->name() == name) return names.size();
        names.push_back(input->name());
    }
    const std::string near = nearest_word(name, names);
    fail_mismatch(graph, format("the model has no input '{}'{}", name, near.empty() ? "" : format("; did you mean '{}'?", near)));
}

}  // namespace

std::vector<Tensor> bind_inputs(const Graph& graph, const NamedTensors& tensors) {
    std::vector<Tensor> bound(graph.inputs().size());
    for (const auto& [name, tensor] : tensors)
        if (!name.empty()) bound[index_of(graph, name)] = tensor;
    std::size_t next = 0;
    for (const auto& [name, tensor] : tensors) {
        if (!name.empty()) continue;
        while (next < bound.size() && (bound[next].defined() || graph.inputs()[next]->default_value())) ++next;
        if (next == bound.size()) fail_mismatch(graph, "the data has more tensors than the model has inputs");
        bound[next++] = tensor;
    }
    for (std::size_t at = 0; at < bound.size(); ++at) {
        const Value& input = *graph.inputs()[at];
        if (bound[at].defined()) check_tensor(graph, input, bound[at]);
        else if (!input.default_value()) fail_mismatch(graph, format("the data has nothing for input '{}'", input.name()));
    }
    return bound;
}

std::map<std::string, Shape> shapes_given(const Graph& graph, std::span<const Tensor> inputs) {
    std::map<std::string, Shape> shapes;
    for (std::size_t at = 0; at < inputs.size(); ++at)
        if (inputs[at].defined()) shapes[graph.inputs()[at]->name()] = inputs[at].shape();
    return shapes;
}

}  // namespace mcompress
