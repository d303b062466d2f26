// Kernels on tensors without elements whose other extents are as large as a file may say: they take no time and no memory for what there is none of.
#include <algorithm>
#include <set>
#include <span>

#include "catch.h"
#include "conformance/case_runs.h"

using namespace mcompress;
using testing::TextCase;

namespace {

// Small enough for an output of as many elements; as two dimensions more than a shape may say beside a dimension of 0.
constexpr std::int64_t kGiant = std::int64_t{1} << 16;

std::set<std::int64_t> extents_of(const std::vector<Tensor>& tensors) {
    std::set<std::int64_t> extents;
    for (const Tensor& tensor : tensors)
        if (tensor.defined())
            for (const std::int64_t extent : tensor.shape().dims()) extents.insert(extent);
    return extents;
}

/// The tensor with one extent 0 and another giant wherever they occur, as integers in it too: shapes are inputs of some operators.
/// Undefined when it would be giant itself.
Tensor stretched(const Tensor& given, std::int64_t none, std::int64_t giant) {
    const auto changed = [&](std::int64_t extent) { return extent == none ? 0 : extent == giant ? kGiant : extent; };
    std::vector<std::int64_t> dims = given.shape().dims();
    for (std::int64_t& extent : dims) extent = changed(extent);
    const Shape shape(std::move(dims));
    const auto count = shape.checked_element_count();
    if (!count || *count > given.element_count()) return {};
    Tensor result(given.dtype(), shape);
    if (*count != given.element_count() || given.dtype() == DType::String) return result;
    std::copy_n(given.bytes(), result.byte_size(), result.mutable_bytes());
    if (given.dtype() == DType::Int64)
        for (std::int64_t& number : std::span(result.mutable_data<std::int64_t>(), static_cast<std::size_t>(*count)))
            number = changed(number);
    return result;
}

/// What went wrong other than an Error; empty when nothing did. Whether it was tried at all goes into `tried`.
std::string run_stretched(const TextCase& text_case, std::int64_t none, std::int64_t giant, int& tried) {
    const auto model = make_model(text_case, testing::Inputs::AsInputs);
    const Node& node = *model->graph->order().front();
    std::vector<Tensor> inputs = testing::inputs_of(node, text_case);
    for (Tensor& input : inputs) {
        if (!input.defined()) continue;
        input = stretched(input, none, giant);
        if (!input.defined()) return {};
    }
    ++tried;
    return testing::run_single_node(*model->graph, node, inputs);
}

}  // namespace

TEST_CASE("tensors without elements cost nothing, whatever their other extents") {
    int tried = 0;
    for (const TextCase& text_case : testing::read_text_cases()) {
        if (!text_case.refusal.empty()) continue;
        const auto model = make_model(text_case, testing::Inputs::AsInputs);
        // Attention has a score for every pair of 2^16 rows, whose values are empty: no waste, but too much for a test.
        if (model->graph->node_count() != 1 || model->graph->order().front()->op_type().ends_with("Attention")) continue;
        const auto extents = extents_of(testing::inputs_of(*model->graph->order().front(), text_case));
        for (const std::int64_t none : extents)
            for (const std::int64_t giant : extents) {
                if (none == giant) continue;
                INFO(text_case.name << ": " << none << " becomes 0, " << giant << " 2^16");
                CHECK(run_stretched(text_case, none, giant, tried) == "");
            }
    }
    CHECK(tried > 1000);
}
