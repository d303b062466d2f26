#include "ops/attributes.h"
#include "ops/infer.h"

namespace mcompress {

namespace {

const ValueType kUnknownType;

}  // namespace

InferContext::InferContext(const Node& node, std::span<const ValueType> inputs, std::span<const Tensor* const> constants,
                           std::span<const IntegerValues* const> integers, std::span<const std::vector<ValueType>> body_types)
    : node_(node),
      inputs_(inputs),
      constants_(constants),
      integers_(integers),
      body_types_(body_types),
      outputs_(static_cast<std::size_t>(node.output_count())) {}

bool InferContext::has_input(int index) const { return node_.input(index) != nullptr; }

const ValueType& InferContext::input(int index) const {
    return index >= 0 && index < input_count() ? inputs_[static_cast<std::size_t>(index)] : kUnknownType;
}

const Tensor* InferContext::constant(int index) const {
    return index >= 0 && static_cast<std::size_t>(index) < constants_.size() ? constants_[static_cast<std::size_t>(index)] : nullptr;
}

std::optional<std::vector<std::int64_t>> InferContext::constant_integers(int index) const {
    const Tensor* tensor = constant(index);
    return tensor ? integers_of(*tensor) : std::nullopt;
}

std::optional<std::vector<std::int64_t>> InferContext::constant_integers(const IntegersSource& source) const {
    if (source.values) return source.values;
    return source.input >= 0 ? constant_integers(source.input) : std::nullopt;
}

std::optional<std::vector<IntegerValue>> InferContext::sizes(int index) const {
    std::vector<IntegerValue> result;
    if (const auto numbers = constant_integers(index)) {
        if (numbers->size() > kLongestIntegerValues) return std::nullopt;
        for (const std::int64_t number : *numbers) result.push_back({number, {}});
        return result;
    }
    if (index >= 0 && static_cast<std::size_t>(index) < integers_.size() && integers_[static_cast<std::size_t>(index)])
        return integers_[static_cast<std::size_t>(index)]->elements;
    const ValueType& type = input(index);
    if (!type.has_rank() || type.rank() != 1 || !(*type.dims)[0].is_known()) return std::nullopt;
    if ((*type.dims)[0].extent() > static_cast<std::int64_t>(kLongestIntegerValues)) return std::nullopt;
    result.resize(static_cast<std::size_t>((*type.dims)[0].extent()));
    return result;
}

std::span<const ValueType> InferContext::body_types(std::size_t body) const {
    if (body >= body_types_.size()) return {};
    return body_types_[body];
}

void InferContext::set_output(int index, ValueType type) {
    if (index < output_count()) outputs_[static_cast<std::size_t>(index)] = std::move(type);
}

void InferContext::reject(std::string problem) const { throw Error(codes::kShapeInvalid, std::move(problem)); }

}  // namespace mcompress
