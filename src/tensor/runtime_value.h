// A value while a graph runs: a tensor, a sequence of values, or an optional that holds a value or nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace mcompress {

/// Value semantics; copies share tensors and elements. Elements never change once they are in a sequence.
class RuntimeValue {
public:
    enum class Kind { Tensor, Sequence, Optional };

    RuntimeValue() = default;                                    // no value: an undefined tensor
    RuntimeValue(Tensor tensor) : tensor_(std::move(tensor)) {}  // NOLINT: a tensor is a value
    /// `element_type` is that of the tensors in it, where it is known although the sequence is empty; otherwise the first element tells.
    static RuntimeValue sequence(std::vector<RuntimeValue> elements, DType element_type = DType::Undefined);
    static RuntimeValue empty_optional();
    static RuntimeValue optional(RuntimeValue held);

    Kind kind() const { return kind_; }
    bool is_tensor() const { return kind_ == Kind::Tensor; }
    bool is_sequence() const { return kind_ == Kind::Sequence; }
    bool is_optional() const { return kind_ == Kind::Optional; }
    /// False for no value at all. An optional that holds nothing is a value.
    bool defined() const { return kind_ != Kind::Tensor || tensor_.defined(); }

    /// Undefined for what is not a tensor.
    const Tensor& tensor() const { return tensor_; }
    /// Of a sequence; of an optional the one value that it holds, or none.
    std::span<const RuntimeValue> elements() const {
        return elements_ ? std::span<const RuntimeValue>(*elements_) : std::span<const RuntimeValue>();
    }
    /// Of the tensors in a sequence; Undefined when nothing tells.
    DType element_type() const { return element_type_; }
    /// What the tensors in it take, together.
    std::int64_t byte_size() const;

    /// "float[2,3]", "sequence of 2 float", "optional of float[2,3]", "empty optional", "nothing"
    std::string to_string() const;

private:
    Kind kind_ = Kind::Tensor;
    DType element_type_ = DType::Undefined;
    Tensor tensor_;
    std::shared_ptr<const std::vector<RuntimeValue>> elements_;
};

/// The value with `change` applied to every tensor in it.
template <typename Change> RuntimeValue transform_tensors(const RuntimeValue& value, const Change& change) {
    if (value.is_tensor()) return value.tensor().defined() ? RuntimeValue(change(value.tensor())) : value;
    std::vector<RuntimeValue> elements;
    elements.reserve(value.elements().size());
    for (const RuntimeValue& element : value.elements()) elements.push_back(transform_tensors(element, change));
    if (value.is_sequence()) return RuntimeValue::sequence(std::move(elements), value.element_type());
    return elements.empty() ? value : RuntimeValue::optional(std::move(elements[0]));
}

}  // namespace mcompress
