#include "data/exact_conversion.h"

#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

#include "tensor/float16.h"

namespace mcompress {

namespace {

// Holds every integer of 64 bits and every double.
using Widest = long double;
static_assert(std::numeric_limits<Widest>::digits >= 64);

template <typename T> Widest widen(T value) {
    if constexpr (std::is_same_v<T, Float16>) return static_cast<Widest>(to_float(value));
    else return static_cast<Widest>(value);
}

/// The value as T, which may be another number.
template <typename T> T narrow(Widest value) {
    if constexpr (std::is_same_v<T, Float16>) {
        return to_float16(static_cast<float>(value));
    } else if constexpr (std::is_integral_v<T>) {
        const bool fits =
            value >= static_cast<Widest>(std::numeric_limits<T>::min()) && value <= static_cast<Widest>(std::numeric_limits<T>::max());
        return fits ? static_cast<T>(value) : T{};
    } else {
        return static_cast<T>(value);
    }
}

template <typename From, typename To> std::optional<Tensor> convert(const Tensor& tensor) {
    Tensor result = Tensor::uninitialized(dtype_of<To>, tensor.shape());
    To* to = result.mutable_data<To>();
    for (const From value : tensor.values<From>()) {
        const Widest wide = widen(value);
        *to = narrow<To>(wide);
        const bool is_kept = widen(*to) == wide || (std::isnan(wide) && std::isnan(widen(*to)));
        if (!is_kept) return std::nullopt;
        ++to;
    }
    return result;
}

struct Conversion {
    DType from;
    DType to;
    std::optional<Tensor> (*convert)(const Tensor&);
};

template <typename... Types> struct TypeList {};
using Numbers = TypeList<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::uint32_t, std::int32_t, std::uint64_t, std::int64_t,
                         Float16, float, double>;

template <typename From, typename... Tos> constexpr auto conversions_from(TypeList<Tos...>) {
    return std::array<Conversion, sizeof...(Tos)>{{{dtype_of<From>, dtype_of<Tos>, convert<From, Tos>}...}};
}

template <typename... Froms> constexpr auto all_conversions(TypeList<Froms...> all) { return std::array{conversions_from<Froms>(all)...}; }

constexpr auto kConversions = all_conversions(Numbers{});

class MatchedDataset : public Dataset {
public:
    MatchedDataset(std::shared_ptr<const Dataset> data, std::vector<WantedInput> inputs)
        : data_(std::move(data)), inputs_(std::move(inputs)) {}

    std::size_t size() const override { return data_->size(); }
    std::string sample_name(std::size_t index) const override { return data_->sample_name(index); }

    Sample sample(std::size_t index) const override {
        Sample sample = data_->sample(index);
        for (std::size_t slot = 0; slot < sample.size(); ++slot) {
            auto& [name, tensor] = sample[slot];
            const DType wanted = wanted_type(name, slot);
            if (wanted == DType::Undefined || wanted == tensor.dtype()) continue;
            if (auto converted = convert_exactly(tensor, wanted)) tensor = std::move(*converted);
        }
        return sample;
    }

private:
    DType wanted_type(const std::string& name, std::size_t slot) const {
        if (name.empty()) return slot < inputs_.size() ? inputs_[slot].dtype : DType::Undefined;
        for (const WantedInput& input : inputs_)
            if (input.name == name) return input.dtype;
        return DType::Undefined;
    }

    std::shared_ptr<const Dataset> data_;
    std::vector<WantedInput> inputs_;
};

}  // namespace

std::optional<Tensor> convert_exactly(const Tensor& tensor, DType dtype) {
    if (tensor.dtype() == dtype) return tensor;
    for (const auto& rows : kConversions)
        for (const Conversion& row : rows)
            if (row.from == tensor.dtype() && row.to == dtype) return row.convert(tensor);
    return std::nullopt;
}

std::unique_ptr<Dataset> match_types(std::shared_ptr<const Dataset> data, std::vector<WantedInput> inputs) {
    return std::make_unique<MatchedDataset>(std::move(data), std::move(inputs));
}

}  // namespace mcompress
