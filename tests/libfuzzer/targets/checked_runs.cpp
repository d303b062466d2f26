#include "libfuzzer/targets/checked_runs.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "fixtures/random_tensors.h"
#include "ir/print.h"
#include "libfuzzer/target.h"
#include "onnx/load.h"
#include "ops/cost.h"
#include "ops/infer.h"
#include "ops/op_info.h"
#include "passes/equivalence.h"
#include "passes/pipelines.h"
#include "pipeline/prepare.h"
#include "tensor/compare.h"

namespace mcompress::fuzzing {

namespace {

using testing::InputsByName;

constexpr std::size_t kMostNodes = 120, kMostFunctions = 6;
constexpr std::int64_t kMostElements = 4000;  // of one value
constexpr std::int64_t kMostMacs = 400'000;
constexpr std::int64_t kOpenExtent = 2;  // of dimensions that a type leaves open
constexpr double kRounding = 1e-3;       // of an output's greatest magnitude
constexpr double kLargestConstant = 1e4;

std::unique_ptr<Model> load_typed(const std::filesystem::path& path) {
    auto model = load_inlined(path);
    infer_types(*model->graph);
    return model;
}

std::map<std::string, Shape> input_shapes(const Graph& graph) {
    std::map<std::string, Shape> shapes;
    for (const Value* input : graph.inputs()) {
        if (!input->type().has_rank()) continue;
        std::vector<std::int64_t> extents;
        for (const Dim& dim : *input->type().dims) extents.push_back(dim.is_known() ? dim.extent() : kOpenExtent);
        shapes[input->name()] = Shape(extents);
    }
    return shapes;
}

/// Dimensions of 0 count as 1: kernels go through the rows and planes of tensors without elements.
bool is_cheap(const ValueType& type) {
    const auto shape = type.shape();
    if (!type.is_tensor() || !shape) return false;
    std::vector<std::int64_t> extents = shape->dims();
    for (std::int64_t& extent : extents) extent = std::max<std::int64_t>(extent, 1);
    const auto elements = Shape(std::move(extents)).checked_element_count();
    return elements && *elements <= kMostElements;
}

/// Every value is a small tensor, nothing runs in rounds, nothing is drawn at random.
bool is_cheap(const Graph& graph) {
    const InferredTypes inferred = infer_types_for(graph, input_shapes(graph));
    std::int64_t macs = 0;
    for (const Value* input : graph.inputs())
        if (!is_cheap(inferred.type(input))) return false;
    for (const Node* node : graph.nodes()) {
        const OpInfo* row = op_info(*node);
        if (!row || row->determinism == Determinism::Random || !node->subgraphs().empty()) return false;
        std::vector<ValueType> inputs, outputs;
        for (const Value* value : node->inputs()) inputs.push_back(value ? inferred.type(value) : ValueType());
        for (const Value* value : node->outputs()) {
            if (value && !is_cheap(inferred.type(value))) return false;
            outputs.push_back(value ? inferred.type(value) : ValueType());
        }
        macs += count_macs(*node, inputs, outputs).value_or(0);
        if (macs > kMostMacs) return false;
    }
    return true;
}

/// Nothing when an input is no tensor of numbers.
std::optional<std::vector<Tensor>> make_inputs(const Graph& graph, std::uint64_t seed) {
    std::vector<Tensor> tensors;
    const auto shapes = input_shapes(graph);
    for (const Value* input : graph.inputs()) {
        const auto shape = shapes.find(input->name());
        if (!input->type().is_tensor() || shape == shapes.end()) return std::nullopt;
        if (input->default_value()) tensors.emplace_back();
        else try {
                tensors.push_back(testing::random_tensor(input->type().dtype, shape->second, ++seed));
            } catch (const std::runtime_error&) {
                return std::nullopt;
            }
    }
    return tensors;
}

bool is_tame(const Tensor& tensor) {
    if (!is_float(tensor.dtype())) return true;
    const std::vector<float> values = to_floats(tensor);
    return std::all_of(values.begin(), values.end(), [](float value) { return std::fabs(value) <= kLargestConstant; });
}

/// The inputs moved by about as much as some rounding errors make.
InputsByName nudged(const InputsByName& inputs) {
    InputsByName moved = inputs;
    for (auto& [name, tensor] : moved) {
        if (tensor.dtype() != DType::Float32) continue;
        float* values = tensor.mutable_data<float>();
        for (std::int64_t at = 0; at < tensor.element_count(); ++at) values[at] = values[at] * (at % 2 == 0 ? 1.00001F : 0.99999F) + 1e-6F;
    }
    return moved;
}

/// Whether rounding errors stay rounding errors: no huge constants, and inputs that are moved a little move the outputs a little.
bool is_stable(const Graph& graph, const InputsByName& inputs, const std::vector<Tensor>& outputs) {
    for (const Value* constant : graph.constants())
        if (constant->constant() && constant->constant()->dtype() != DType::String && !is_tame(*constant->constant())) return false;
    for (const Tensor& output : outputs)
        if (output.dtype() != DType::String && !is_tame(output)) return false;
    return testing::difference(outputs, testing::run_reference(graph, nudged(inputs)), kRounding / 10).empty();
}

bool has_type(const Tensor& tensor, const ValueType& type) {
    if (!type.has_rank()) return true;
    if (type.rank() != tensor.shape().rank()) return false;
    for (int axis = 0; axis < type.rank(); ++axis) {
        const Dim& dim = (*type.dims)[static_cast<std::size_t>(axis)];
        if (dim.is_known() && dim.extent() != tensor.shape()[axis]) return false;
    }
    return true;
}

void compare(const Graph& before, const Graph& after, Equality equality) {
    InputsByName inputs;
    std::vector<Tensor> expected;
    if (!is_accepted([&] {
            if (!is_cheap(before)) return;
            const auto tensors = make_inputs(before, 7);
            if (!tensors) return;
            inputs = testing::by_name(before, *tensors);
            // A model may declare what inference cannot refute, of a shape that follows from an input with a default, and passes rely on it.
            bool is_true = true;
            expected = testing::run_reference(
                before, inputs, [&](const Value& value, const Tensor& tensor) { is_true = is_true && has_type(tensor, value.type()); });
            if (!is_true || (equality == Equality::UpToRounding && !is_stable(before, inputs, expected))) expected.clear();
        }) ||
        expected.empty())
        return;
    must("running the result", [&] {
        const std::string text =
            testing::difference(expected, testing::run_reference(after, inputs), equality == Equality::Exact ? 0.0 : kRounding);
        require(text.empty(), "the result computes something else: " + text);
        return 0;
    });
}

class RandomSamples : public Dataset {
public:
    RandomSamples(std::vector<std::string> names, std::vector<std::vector<Tensor>> samples)
        : names_(std::move(names)), samples_(std::move(samples)) {}
    std::size_t size() const override { return samples_.size(); }
    Sample sample(std::size_t index) const override {
        Sample sample;
        for (std::size_t at = 0; at < names_.size(); ++at)
            if (samples_[index][at].defined()) sample.emplace_back(names_[at], samples_[index][at]);
        return sample;
    }
    std::string sample_name(std::size_t index) const override { return "random[" + std::to_string(index) + "]"; }

private:
    std::vector<std::string> names_;
    std::vector<std::vector<Tensor>> samples_;
};

}  // namespace

bool is_small(const std::filesystem::path& path) {
    bool is_small = false;
    return is_accepted([&] {
               const auto model = load_model(path);
               is_small = model->graph->nodes().size() <= kMostNodes && model->functions.size() <= kMostFunctions;
           }) &&
           is_small;
}

std::unique_ptr<Dataset> random_samples(const std::filesystem::path& path, std::size_t count) {
    const auto model = load_typed(path);
    if (!is_cheap(*model->graph)) return nullptr;
    std::vector<std::string> names;
    for (const Value* input : model->graph->inputs()) names.push_back(input->name());
    std::vector<std::vector<Tensor>> samples;
    for (std::size_t index = 0; index < count; ++index) {
        auto tensors = make_inputs(*model->graph, 100 * index);
        if (!tensors) return nullptr;
        samples.push_back(std::move(*tensors));
    }
    return std::make_unique<RandomSamples>(std::move(names), std::move(samples));
}

void compare_outputs(const std::filesystem::path& before, const std::filesystem::path& after, Equality equality) {
    compare(*load_typed(before)->graph, *load_typed(after)->graph, equality);
}

void check_clean(const std::filesystem::path& path) {
    const auto before = load_typed(path), after = load_typed(path);
    run_pipeline("clean", *after->graph, pass_inputs());
    compare(*before->graph, *after->graph, Equality::Exact);
}

}  // namespace mcompress::fuzzing
