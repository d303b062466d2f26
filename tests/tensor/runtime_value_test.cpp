// What a value is while a graph runs.
#include "tensor/runtime_value.h"

#include "catch.h"

using namespace mcompress;

TEST_CASE("a run-time value is a tensor, a sequence, an optional or nothing") {
    const Tensor tensor = Tensor::from_values<float>({2}, {1, 2});
    CHECK_FALSE(RuntimeValue().defined());
    CHECK(RuntimeValue(tensor).tensor().equals(tensor));
    const RuntimeValue sequence = RuntimeValue::sequence({tensor, Tensor::from_values<float>({3}, {1, 2, 3})});
    REQUIRE(sequence.is_sequence());
    CHECK(sequence.defined());
    CHECK_FALSE(sequence.tensor().defined());
    CHECK(sequence.element_type() == DType::Float32);
    CHECK(sequence.byte_size() == 20);
    CHECK(RuntimeValue::sequence({}, DType::Int64).element_type() == DType::Int64);
    CHECK(RuntimeValue::empty_optional().defined());
    CHECK(RuntimeValue::empty_optional().elements().empty());
    CHECK(RuntimeValue::optional(sequence).elements()[0].elements().size() == 2);
}

TEST_CASE("a run-time value says what it is") {
    const RuntimeValue tensor = Tensor::from_values<float>({2}, {1, 2});
    CHECK(RuntimeValue().to_string() == "nothing");
    CHECK(tensor.to_string() == "float[2]");
    CHECK(RuntimeValue::sequence({tensor}).to_string() == "sequence of 1 float");
    CHECK(RuntimeValue::sequence({}).to_string() == "sequence of 0 values");
    CHECK(RuntimeValue::empty_optional().to_string() == "empty optional");
    CHECK(RuntimeValue::optional(tensor).to_string() == "optional of float[2]");
}

TEST_CASE("a change of tensors reaches those in sequences and optionals") {
    const auto to_ones = [](const Tensor& tensor) {
        return Tensor::from_values<float>(tensor.shape(), std::vector<float>(static_cast<std::size_t>(tensor.element_count()), 1));
    };
    const RuntimeValue tensor = Tensor::from_values<float>({2}, {5, 6});
    const RuntimeValue changed = transform_tensors(RuntimeValue::optional(RuntimeValue::sequence({tensor, tensor})), to_ones);
    REQUIRE(changed.is_optional());
    for (const RuntimeValue& element : changed.elements()[0].elements())
        CHECK(element.tensor().equals(Tensor::from_values<float>({2}, {1, 1})));
    CHECK(transform_tensors(RuntimeValue::empty_optional(), to_ones).is_optional());
    CHECK(transform_tensors(RuntimeValue::sequence({}, DType::Int8), to_ones).element_type() == DType::Int8);
}
