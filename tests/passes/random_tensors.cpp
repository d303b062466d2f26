#include "passes/random_tensors.h"

#include <cmath>
#include <stdexcept>

#include "tensor/float16.h"

namespace mcompress::testing {

std::uint64_t Random::next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

std::int64_t Random::integer(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(high - low + 1));
}

namespace {

template <typename T, typename Make> void fill(Tensor& tensor, Random& random, double step, ValueBounds bounds, Make make) {
    T* data = tensor.mutable_data<T>();
    const auto low = static_cast<std::int64_t>(std::ceil(bounds.low / step));
    const auto high = static_cast<std::int64_t>(std::floor(bounds.high / step));
    for (std::int64_t at = 0; at < tensor.element_count(); ++at) data[at] = make(static_cast<double>(random.integer(low, high)) * step);
}

template <typename T> void fill_number(Tensor& tensor, Random& random, double step, ValueBounds bounds) {
    fill<T>(tensor, random, step, bounds, [](double value) { return static_cast<T>(value); });
}

}  // namespace

Tensor random_tensor(DType dtype, const Shape& shape, std::uint64_t seed, ValueBounds bounds) {
    constexpr double kStep = 1.0 / 64;
    Tensor tensor(dtype, shape);
    Random random(seed);
    const ValueBounds counts{std::max(bounds.low, 0.0), bounds.high};
    switch (dtype) {
        case DType::Float32: fill_number<float>(tensor, random, kStep, bounds); break;
        case DType::Float64: fill_number<double>(tensor, random, kStep, bounds); break;
        case DType::Float16:
            fill<Float16>(tensor, random, kStep, bounds, [](double value) { return to_float16(static_cast<float>(value)); });
            break;
        case DType::BFloat16:
            fill<BFloat16>(tensor, random, kStep, bounds, [](double value) { return to_bfloat16(static_cast<float>(value)); });
            break;
        case DType::Int64: fill_number<std::int64_t>(tensor, random, 1, bounds); break;
        case DType::Int32: fill_number<std::int32_t>(tensor, random, 1, bounds); break;
        case DType::Int8: fill_number<std::int8_t>(tensor, random, 1, bounds); break;
        case DType::UInt8: fill_number<std::uint8_t>(tensor, random, 1, counts); break;
        case DType::Bool: fill_number<std::uint8_t>(tensor, random, 1, {0, 1}); break;
        default: throw std::runtime_error("no random tensors of " + std::string(dtype_name(dtype)));
    }
    return tensor;
}

std::vector<Tensor> random_inputs(const Graph& graph, std::uint64_t seed, const OpenDims& open_dims,
                                  const std::map<std::string, ValueBounds>& bounds) {
    std::vector<Tensor> inputs;
    for (const Value* input : graph.inputs()) {
        ++seed;
        if (input->default_value()) {
            inputs.emplace_back();
            continue;
        }
        if (!input->type().is_tensor() || !input->type().has_rank())
            throw std::runtime_error("input '" + input->name() + "' of type " + input->type().to_string() + " gets no random tensor");
        std::vector<std::int64_t> shape;
        for (const Dim& dim : *input->type().dims) {
            const auto given = open_dims.find(dim.symbol());
            shape.push_back(dim.is_known() ? dim.extent() : given == open_dims.end() ? 2 : given->second);
        }
        const auto bound = bounds.find(input->name());
        inputs.push_back(random_tensor(input->type().dtype, Shape(shape), seed, bound == bounds.end() ? ValueBounds{} : bound->second));
    }
    return inputs;
}

}  // namespace mcompress::testing
