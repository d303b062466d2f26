// Operators whose values are drawn at random.
#include "ops/random.h"

#include "ops/infer_rules.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

ValueType like_input(const InferContext& context, DType dtype) {
    const ValueType& input = context.input(0);
    return {ValueType::Kind::Tensor, dtype == DType::Undefined ? input.dtype : dtype, input.dims, nullptr, {}};
}

void infer_random(InferContext& context) {
    const RandomAttrs attrs = RandomAttrs::read(context.node());
    context.set_output(0, ValueType::tensor(attrs.dtype, Dims(attrs.shape.begin(), attrs.shape.end())));
}

void infer_random_like(InferContext& context) { context.set_output(0, like_input(context, RandomAttrs::read(context.node()).dtype)); }

void infer_bernoulli(InferContext& context) { context.set_output(0, like_input(context, BernoulliAttrs::read(context.node()).dtype)); }

void infer_multinomial(InferContext& context) {
    const MultinomialAttrs attrs = MultinomialAttrs::read(context.node());
    Dims output{Dim(), Dim(attrs.sample_size)};
    if (const Dims* dims = dims_of_rank(context, 0, 2)) output[0] = (*dims)[0];
    context.set_output(0, ValueType::tensor(attrs.dtype, std::move(output)));
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "Bernoulli", 15, 1, 1, 1, 1, infer_bernoulli, check_attrs<BernoulliAttrs>, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "Bernoulli", 22, 1, 1, 1, 1, infer_bernoulli, check_attrs<BernoulliAttrs>, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "Multinomial", 7, 1, 1, 1, 1, infer_multinomial, check_attrs<MultinomialAttrs>, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "Multinomial", 22, 1, 1, 1, 1, infer_multinomial, check_attrs<MultinomialAttrs>, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "RandomNormal", 1, 0, 0, 1, 1, infer_random, check_attrs<RandomAttrs>, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "RandomNormal", 22, 0, 0, 1, 1, infer_random, check_attrs<RandomAttrs>, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "RandomNormalLike", 1, 1, 1, 1, 1, infer_random_like, check_attrs<RandomAttrs>, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "RandomNormalLike", 22, 1, 1, 1, 1, infer_random_like, check_attrs<RandomAttrs>, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "RandomUniform", 1, 0, 0, 1, 1, infer_random, check_attrs<RandomAttrs>, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "RandomUniform", 22, 0, 0, 1, 1, infer_random, check_attrs<RandomAttrs>, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "RandomUniformLike", 1, 1, 1, 1, 1, infer_random_like, check_attrs<RandomAttrs>, nullptr, DataFlow::Computes, Determinism::Random},
    {"", "RandomUniformLike", 22, 1, 1, 1, 1, infer_random_like, check_attrs<RandomAttrs>, nullptr, DataFlow::Computes, Determinism::Random},
};
// clang-format on

}  // namespace

std::span<const OpInfo> random_rows() { return kRows; }

}  // namespace mcompress
