// One node of an operator, run by its reference kernel: for tests of single kernels.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "catch.h"
#include "engine/reference/kernel.h"
#include "ir/model.h"
#include "support/error.h"

namespace mcompress::test {

struct NodeCase {
    std::string type;
    std::vector<Tensor> inputs;  // undefined: absent
    std::vector<Attribute> attributes = {};
    int opset = 24;
    std::size_t outputs = 1;
    int threads = 1;
    std::string output_name = {};
};

/// The outputs; what inference says of each is checked on the way.
std::vector<Tensor> run_node(const NodeCase& node);

inline Attribute attribute(const char* name, AttributeValue value) { return {name, std::move(value), {}}; }
inline Attribute integer(const char* name, std::int64_t value) { return {name, value, {}}; }

template <typename T> Tensor tensor(Shape shape, std::initializer_list<T> values) {
    return Tensor::from_values<T>(std::move(shape), values);
}

template <typename T> std::vector<T> values_of(const Tensor& found) {
    REQUIRE(found.dtype() == dtype_of<T>);
    return {found.values<T>().begin(), found.values<T>().end()};
}

/// |found - expected| <= tolerance · max(1, |expected|) for every element; NaN equals NaN.
void check_near(const Tensor& found, const Shape& shape, const std::vector<double>& expected, double tolerance = 1e-6);

}  // namespace mcompress::test
