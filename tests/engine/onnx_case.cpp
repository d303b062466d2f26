#include "onnx_case.h"

#include <algorithm>
#include <cmath>

#include "onnx/load.h"
#include "support/format.h"
#include "tensor/compare.h"

using namespace mcompress;
namespace fs = std::filesystem;

namespace {

/// The published data holds bfloat16 elements as uint16.
Tensor as_declared(Tensor tensor, const ValueType& type) {
    if (tensor.dtype() != DType::UInt16 || type.dtype != DType::BFloat16) return tensor;
    return Tensor::from_bytes(DType::BFloat16, tensor.shape(), {tensor.bytes(), tensor.byte_size()});
}

void load_all(const fs::path& folder, const std::string& prefix, std::span<Value* const> values, std::vector<Tensor>& tensors) {
    tensors.resize(values.size());
    for (std::size_t i = 0; fs::exists(folder / format("{}_{}.pb", prefix, i)); ++i) {
        std::string name;
        Tensor tensor = load_tensor(folder / format("{}_{}.pb", prefix, i), &name);
        const auto named = std::find_if(values.begin(), values.end(), [&](const Value* value) { return value->name() == name; });
        const std::size_t at = named == values.end() ? i : static_cast<std::size_t>(named - values.begin());
        if (at < tensors.size()) tensors[at] = as_declared(std::move(tensor), values[at]->type());
    }
}

std::vector<double> to_doubles(const Tensor& tensor) {
    if (tensor.dtype() == DType::Float64) return {tensor.values<double>().begin(), tensor.values<double>().end()};
    if (tensor.dtype() == DType::Int64) return {tensor.values<std::int64_t>().begin(), tensor.values<std::int64_t>().end()};
    const std::vector<float> floats = to_floats(tensor);
    return {floats.begin(), floats.end()};
}

}  // namespace

std::vector<fs::path> data_set_folders(const fs::path& folder) {
    std::vector<fs::path> result;
    for (const auto& entry : fs::directory_iterator(folder))
        if (entry.path().filename().string().starts_with("test_data_set_")) result.push_back(entry.path());
    std::sort(result.begin(), result.end());
    return result;
}

OnnxDataSet load_data_set(const fs::path& folder, const Graph& graph) {
    OnnxDataSet set{folder, {}, {}};
    load_all(folder, "input", graph.inputs(), set.inputs);
    load_all(folder, "output", graph.outputs(), set.outputs);
    return set;
}

std::string difference(const Tensor& found, const Tensor& expected, double rtol, double atol) {
    if (found.dtype() != expected.dtype()) return format("type {} instead of {}", dtype_name(found.dtype()), dtype_name(expected.dtype()));
    if (found.shape() != expected.shape()) return format("shape {} instead of {}", found.shape().to_string(), expected.shape().to_string());
    if (found.dtype() == DType::String) return found.strings() == expected.strings() ? "" : "other strings";
    const std::vector<double> a = to_doubles(found), b = to_doubles(expected);
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
        if (!(std::abs(a[i] - b[i]) <= atol + rtol * std::abs(b[i]))) return format("element {} is {} instead of {}", i, a[i], b[i]);
    }
    return "";
}
