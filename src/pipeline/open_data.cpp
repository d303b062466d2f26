#include "pipeline/open_data.h"

#include "data/exact_conversion.h"
#include "data/open_dataset.h"
#include "data/subset.h"
#include "onnx/load.h"

namespace mcompress {

namespace {

// The first input that callers must give and that has the rank of a picture.
const Value* image_input(const Graph& graph) {
    for (const Value* input : graph.inputs())
        if (!input->default_value() && input->type().is_tensor() && input->type().has_rank() && input->type().rank() == 4) return input;
    return nullptr;
}

ImageInput describe(const Value& input) {
    ImageInput described{input.type().dtype, {}};
    for (const Dim& dim : *input.type().dims) described.dims.push_back(dim.extent());
    return described;
}

PreprocessSpec make_spec(const DataRequest& request, const Graph& graph) {
    PreprocessSpec spec = request.preset.empty() ? PreprocessSpec{} : preprocess_preset(request.preset);
    for (const auto& [key, value] : request.image_options) set_preprocess_option(spec, key, value);
    const Value* input = image_input(graph);
    return input ? fit_to_input(spec, describe(*input)) : spec;
}

std::vector<WantedInput> wanted_inputs(const Graph& graph) {
    std::vector<WantedInput> inputs;
    for (const Value* input : graph.inputs())
        if (!input->default_value()) inputs.push_back({input->name(), input->type().is_tensor() ? input->type().dtype : DType::Undefined});
    return inputs;
}

}  // namespace

std::unique_ptr<Dataset> open_data(const DataRequest& request, const Graph& graph) {
    DataOptions options;
    options.axis = request.whole_arrays ? SampleAxis::None : SampleAxis::Leading;
    options.read_tensor = [](const std::filesystem::path& path, std::string* name) { return load_tensor(path, name); };
    if (!request.preset.empty() || !request.image_options.empty()) options.preprocess = make_spec(request, graph);
    std::unique_ptr<Dataset> data = open_dataset(request.path, options);
    if (request.limit > 0) data = take(std::move(data), request.limit);
    return match_types(std::move(data), wanted_inputs(graph));
}

}  // namespace mcompress
