// Operators on strings.
#include "ops/text.h"

#include "ops/infer_rules.h"
#include "ops/rows.h"

namespace mcompress {

namespace {

void require_strings(const InferContext& context, int index) {
    const DType dtype = context.input(index).dtype;
    if (dtype != DType::Undefined && dtype != DType::String)
        context.reject(format("input {} is {}, expected strings", index, dtype_name(dtype)));
}

void infer_concat(InferContext& context) {
    require_strings(context, 0);
    require_strings(context, 1);
    infer_broadcast(context);
}

void infer_match(InferContext& context) {
    require_strings(context, 0);
    infer_same_bool(context);
}

// The number of strings that stay is not known.
void infer_normalizer(InferContext& context) {
    require_strings(context, 0);
    const ValueType& input = context.input(0);
    if (!input.has_rank()) return context.set_output(0, tensor_of(DType::String));
    if (input.rank() != 1 && input.rank() != 2) context.reject(format("the input has rank {}, expected 1 or 2", input.rank()));
    context.set_output(0, ValueType::tensor(DType::String, input.rank() == 1 ? Dims{Dim()} : Dims{1, Dim()}));
}

void infer_split(InferContext& context) {
    require_strings(context, 0);
    const auto& dims = context.input(0).dims;
    auto parts = dims;
    if (parts) parts->push_back(Dim());
    context.set_output(0, {ValueType::Kind::Tensor, DType::String, parts, nullptr, {}});
    if (context.output_count() > 1) context.set_output(1, {ValueType::Kind::Tensor, DType::Int64, dims, nullptr, {}});
}

void infer_tf_idf(InferContext& context) {
    const TfIdfVectorizerAttrs attrs = TfIdfVectorizerAttrs::read(context.node());
    const ValueType& input = context.input(0);
    if (!input.has_rank()) return context.set_output(0, tensor_of(DType::Float32));
    if (input.rank() != 1 && input.rank() != 2) context.reject(format("the input has rank {}, expected 1 or 2", input.rank()));
    Dims output = *input.dims;
    output.back() = attrs.output_size();
    context.set_output(0, ValueType::tensor(DType::Float32, std::move(output)));
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "RegexFullMatch", 20, 1, 1, 1, 1, infer_match, check_attrs<RegexFullMatchAttrs>},
    {"", "StringConcat", 20, 2, 2, 1, 1, infer_concat},
    {"", "StringNormalizer", 10, 1, 1, 1, 1, infer_normalizer, check_attrs<StringNormalizerAttrs>},
    {"", "StringSplit", 20, 1, 1, 2, 2, infer_split, check_attrs<StringSplitAttrs>},
    {"", "TfIdfVectorizer", 9, 1, 1, 1, 1, infer_tf_idf, check_attrs<TfIdfVectorizerAttrs>},
};
// clang-format on

}  // namespace

std::span<const OpInfo> text_rows() { return kRows; }

}  // namespace mcompress
