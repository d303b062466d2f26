// Dropout: the input as it is, or in training mode without a random part of it.
#include <algorithm>
#include <random>

#include "engine/reference/kernel_families.h"
#include "engine/reference/random_numbers.h"
#include "engine/reference/widened_like.h"
#include "ops/elementwise.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

/// Uniform numbers in [0, 1) for elements in their order. Those of a seed are what ONNX's published tests hold: 53 bits of two words of the
/// Mersenne Twister. Without a seed they are the node's own.
class Uniform {
public:
    Uniform(const Node& node, const std::optional<std::int64_t>& seed)
        : seeded_(seed.has_value()), twister_(static_cast<std::uint32_t>(seed.value_or(0))), stream_(random_stream(node, {})) {}

    double next() {
        if (!seeded_) return stream_.uniform(index_++);
        const std::uint32_t high = static_cast<std::uint32_t>(twister_()) >> 5, low = static_cast<std::uint32_t>(twister_()) >> 6;
        return (static_cast<double>(high) * 67108864.0 + static_cast<double>(low)) / 9007199254740992.0;
    }

private:
    bool seeded_;
    std::mt19937 twister_;
    RandomStream stream_;
    std::uint64_t index_ = 0;
};

bool trains(const KernelContext& context, const DropoutAttrs& a) {
    if (a.mode != DropoutAttrs::Mode::Unknown || !context.has_input(2)) return a.mode == DropoutAttrs::Mode::Training;
    const Tensor& flag = context.input(2);
    if (flag.dtype() != DType::Bool || flag.element_count() != 1) context.reject("the training mode is no single truth value");
    return flag.data<bool>()[0];
}

double drop_ratio(const KernelContext& context, const DropoutAttrs& a) {
    double ratio = a.ratio.value.value_or(0.5);
    if (a.ratio.input >= 0 && context.has_input(a.ratio.input)) {
        const auto given = scalar_of(context.input(a.ratio.input));
        if (!given) context.reject("the ratio is no number");
        ratio = *given;
    }
    if (!(ratio >= 0.0 && ratio < 1.0)) context.reject(format("the ratio is {}, expected 0 or more and less than 1", ratio));
    return ratio;
}

/// Which elements stay.
std::vector<char> draw(const KernelContext& context, const DropoutAttrs& a) {
    const std::int64_t count = context.required(0).element_count();
    const double ratio = trains(context, a) ? drop_ratio(context, a) : 0.0;
    std::vector<char> stays(static_cast<std::size_t>(count), 1);
    if (ratio == 0.0) return stays;
    Uniform uniform(context.node, a.seed);
    for (char& each : stays) each = uniform.next() >= ratio;
    return stays;
}

void dropout(const KernelContext& context) {
    const auto a = attrs<DropoutAttrs>(context.node);
    const Tensor& x = context.required(0);
    const bool drops = trains(context, a) && drop_ratio(context, a) != 0.0;
    if (!drops && !context.wants_output(1)) return context.set_output(0, x);
    const std::vector<char> stays = draw(context, a);
    if (!drops) {
        context.set_output(0, x);
    } else {
        const double scale = 1.0 / (1.0 - drop_ratio(context, a));
        dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
            T* to = context.make_output(0, x.dtype(), x.shape()).template mutable_data<T>();
            for (std::size_t i = 0; i < stays.size(); ++i)
                to[i] = stays[i] ? static_cast<T>(static_cast<double>(x.data<T>()[i]) * scale) : T{};
        });
    }
    if (!context.wants_output(1)) return;
    // The mask has the input's type before opset 10.
    const DType dtype = context.node.opset_version() >= 10 ? DType::Bool : x.dtype();
    Tensor& mask = context.make_output(1, dtype, x.shape());
    dispatch(TypeList<bool, float, double>{}, context, dtype, [&]<typename T>() {
        std::transform(stays.begin(), stays.end(), mask.mutable_data<T>(), [](char each) { return T(each != 0); });
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "Dropout", widened_like<dropout, 0, 0>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> dropout_kernels() { return kRows; }

}  // namespace mcompress::reference
