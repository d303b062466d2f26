// Operators whose values are drawn at random.
#include "ops/infer_rules.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

DType dtype_attribute(const Node& node, DType fallback) {
    const std::int64_t number = int_attribute(node, "dtype", static_cast<std::int64_t>(fallback));
    if (number < 0 || number > 255 || (number != 0 && !is_known_dtype(static_cast<int>(number))))
        reject_attribute(node, "dtype", format("is {}, which is no element type", number));
    return static_cast<DType>(number);
}

void infer_random(InferContext& context) {
    Dims output;
    for (const std::int64_t extent : ints_attribute(context.node(), "shape")) {
        if (extent < 0) reject_attribute(context.node(), "shape", format("holds {}", extent));
        output.push_back(extent);
    }
    context.set_output(0, ValueType::tensor(dtype_attribute(context.node(), DType::Float32), std::move(output)));
}

void infer_random_like(InferContext& context) {
    const ValueType& input = context.input(0);
    const DType dtype = dtype_attribute(context.node(), DType::Undefined);
    context.set_output(0, {ValueType::Kind::Tensor, dtype == DType::Undefined ? input.dtype : dtype, input.dims, nullptr, {}});
}

void infer_multinomial(InferContext& context) {
    const std::int64_t count = int_attribute(context.node(), "sample_size", 1);
    if (count < 0) reject_attribute(context.node(), "sample_size", format("is {}", count));
    Dims output{Dim(), Dim(count)};
    if (const Dims* dims = dims_of_rank(context, 0, 2)) output[0] = (*dims)[0];
    context.set_output(0, ValueType::tensor(dtype_attribute(context.node(), DType::Int32), std::move(output)));
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "Bernoulli", 15, 1, 1, 1, 1, infer_random_like, nullptr, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "Bernoulli", 22, 1, 1, 1, 1, infer_random_like, nullptr, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "Multinomial", 7, 1, 1, 1, 1, infer_multinomial, nullptr, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "Multinomial", 22, 1, 1, 1, 1, infer_multinomial, nullptr, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "RandomNormal", 1, 0, 0, 1, 1, infer_random, nullptr, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "RandomNormal", 22, 0, 0, 1, 1, infer_random, nullptr, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "RandomNormalLike", 1, 1, 1, 1, 1, infer_random_like, nullptr, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "RandomNormalLike", 22, 1, 1, 1, 1, infer_random_like, nullptr, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "RandomUniform", 1, 0, 0, 1, 1, infer_random, nullptr, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "RandomUniform", 22, 0, 0, 1, 1, infer_random, nullptr, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "RandomUniformLike", 1, 1, 1, 1, 1, infer_random_like, nullptr, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "RandomUniformLike", 22, 1, 1, 1, 1, infer_random_like, nullptr, nullptr, DataFlow::Computes, Determinism::Random},
};
// clang-format on

}  // namespace

std::span<const OpInfo> random_rows() { return kRows; }

}  // namespace mcompress
