// Kernels on damaged text cases: other shapes, types, indices and attributes end in values or in an Error.
#include <cmath>
#include <random>

#include "catch.h"
#include "conformance/case_runs.h"

using namespace mcompress;
using testing::TextCase;

namespace {

class Mutator {
public:
    explicit Mutator(std::uint32_t seed) : random_(seed) {}

    int below(int bound) { return static_cast<int>(random_() % static_cast<std::uint32_t>(bound)); }

    /// An axis more or less, or of another extent; sometimes another type, or another integer.
    Tensor tensor(const Tensor& given) {
        std::vector<std::int64_t> dims = given.shape().dims();
        const auto at = dims.begin() + (dims.empty() ? 0 : below(static_cast<int>(dims.size())));
        switch (below(5)) {
            case 0: dims.insert(at, below(4)); break;
            case 1: dims.empty() ? void() : void(dims.erase(at)); break;
            case 2: dims.empty() ? void() : void(*at = below(6)); break;
            case 3: dims.empty() ? void() : void(*at *= 2); break;
            default: break;
        }
        static constexpr DType kTypes[] = {DType::Float32, DType::Float64, DType::UInt8, DType::Int8,
                                           DType::Int32,   DType::Int64,   DType::Bool};
        const DType dtype = below(12) == 0 ? kTypes[below(7)] : given.dtype();
        Tensor result(dtype, Shape(std::move(dims)));
        if (dtype != given.dtype() || given.element_count() == 0) return result;
        for (std::size_t i = 0; i < result.byte_size(); ++i) result.mutable_bytes()[i] = given.bytes()[i % given.byte_size()];
        if (result.element_count() == 0 || below(3) != 0) return result;
        if (dtype == DType::Int32) result.mutable_data<std::int32_t>()[0] = static_cast<std::int32_t>(integer());
        if (dtype == DType::Int64) result.mutable_data<std::int64_t>()[0] = integer();
        return result;
    }

    void attribute(Graph& graph, Node& node) {
        if (node.attributes().empty() || below(2) == 0) return;
        Attribute changed = node.attributes()[static_cast<std::size_t>(below(static_cast<int>(node.attributes().size())))];
        if (auto* number = std::get_if<std::int64_t>(&changed.value)) *number = integer();
        if (auto* list = std::get_if<std::vector<std::int64_t>>(&changed.value); list && !list->empty()) list->front() = integer();
        if (auto* real = std::get_if<float>(&changed.value)) *real = below(2) ? 0.0F : NAN;
        graph.set_attribute(&node, changed.name, changed.value);
    }

private:
    std::int64_t integer() {
        static constexpr std::int64_t kNumbers[] = {-1, 0, 1, 2, 3, 5, 16, 1'000'000, INT64_MAX, INT64_MIN};
        return kNumbers[below(10)];
    }
    std::mt19937 random_;
};

/// What went wrong other than an Error about the model; empty when nothing did.
std::string run_damaged(const TextCase& text_case, std::uint32_t seed) {
    Mutator mutator(seed);
    const auto model = make_model(text_case, testing::Inputs::AsInputs);
    if (model->graph->nodes().size() != 1) return {};
    Node& node = *model->graph->order().front();
    mutator.attribute(*model->graph, node);
    std::vector<Tensor> inputs = testing::inputs_of(node, text_case);
    for (int changes = 1 + mutator.below(2); changes > 0; --changes) {
        Tensor& victim = inputs[static_cast<std::size_t>(mutator.below(node.input_count()))];
        if (victim.defined()) victim = mutator.below(15) == 0 ? Tensor() : mutator.tensor(victim);
    }
    return testing::run_single_node(*model->graph, node, inputs);
}

}  // namespace

TEST_CASE("damaged text cases end in values or in an Error") {
    std::uint32_t seed = 0;
    for (const TextCase& text_case : testing::read_text_cases()) {
        if (!text_case.refusal.empty()) continue;
        for (int round = 0; round < 20; ++round) {
            INFO(text_case.name << ", seed " << seed);
            CHECK(run_damaged(text_case, seed++) == "");
        }
    }
    CHECK(seed > 4000);
}
