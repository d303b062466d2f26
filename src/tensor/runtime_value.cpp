#include "tensor/runtime_value.h"

#include "support/format.h"

namespace mcompress {

RuntimeValue RuntimeValue::sequence(std::vector<RuntimeValue> elements, DType element_type) {
    RuntimeValue value;
    value.kind_ = Kind::Sequence;
    value.element_type_ = element_type;
    if (element_type == DType::Undefined && !elements.empty()) value.element_type_ = elements[0].tensor().dtype();
    value.elements_ = std::make_shared<const std::vector<RuntimeValue>>(std::move(elements));
    return value;
}

RuntimeValue RuntimeValue::empty_optional() {
    RuntimeValue value;
    value.kind_ = Kind::Optional;
    return value;
}

RuntimeValue RuntimeValue::optional(RuntimeValue held) {
    RuntimeValue value = empty_optional();
    value.elements_ = std::make_shared<const std::vector<RuntimeValue>>(1, std::move(held));
    return value;
}

std::int64_t RuntimeValue::byte_size() const {
    std::int64_t bytes = static_cast<std::int64_t>(tensor_.byte_size());
    for (const RuntimeValue& element : elements()) bytes += element.byte_size();
    return bytes;
}

std::string RuntimeValue::to_string() const {
    switch (kind_) {
        case Kind::Sequence:
            return format("sequence of {} {}", elements().size(), element_type_ == DType::Undefined ? "values" : dtype_name(element_type_));
        case Kind::Optional: return elements().empty() ? "empty optional" : "optional of " + elements()[0].to_string();
        case Kind::Tensor: break;
    }
    return tensor_.defined() ? std::string(dtype_name(tensor_.dtype())) + tensor_.shape().to_string() : "nothing";
}

}  // namespace mcompress
