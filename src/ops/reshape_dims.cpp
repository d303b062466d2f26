#include "ops/reshape_dims.h"

#include <map>

namespace mcompress {

namespace {

// A product of extents: a number and symbols with their powers.
struct Product {
    std::int64_t number = 1;
    std::map<std::string, int> symbols;
    bool is_known = true;

    void take(const InferContext& context, const Dim& dim) {
        if (dim.is_symbol()) ++symbols[dim.symbol()];
        else if (!dim.is_known()) is_known = false;
        else if (__builtin_mul_overflow(number, dim.extent(), &number)) context.reject("the element count overflows");
    }
};

// What an inferred dimension must be so that `target` times it is `input`.
Dim quotient(const InferContext& context, const Product& input, const Product& target) {
    if (!input.is_known || !target.is_known) return {};
    std::string left_over;
    for (const auto& [symbol, power] : input.symbols) {
        const auto found = target.symbols.find(symbol);
        const int rest = power - (found == target.symbols.end() ? 0 : found->second);
        if (rest == 0) continue;
        if (rest != 1 || !left_over.empty()) return {};
        left_over = symbol;
    }
    for (const auto& [symbol, power] : target.symbols)
        if (!input.symbols.contains(symbol)) return {};
    if (target.number == 0 || input.number % target.number != 0) {
        if (left_over.empty()) context.reject(format("{} elements cannot be shaped to parts of {}", input.number, target.number));
        return {};
    }
    const std::int64_t number = input.number / target.number;
    if (left_over.empty()) return number;
    return number == 1 ? Dim(left_over) : Dim();
}

}  // namespace

Dims reshape_dims(const InferContext& context, const ReshapeAttrs& attrs, const std::optional<Dims>& input,
                  const std::vector<IntegerValue>& target) {
    Dims output;
    Product rest;
    std::optional<std::size_t> inferred;
    bool has_unknown = false;
    for (std::size_t axis = 0; axis < target.size(); ++axis) {
        const auto& number = target[axis].number;
        Dim dim = target[axis].dim();
        if (number && *number < -1) context.reject(format("the target shape holds {}", *number));
        if (number == -1) {
            if (inferred) context.reject("the target shape holds -1 twice");
            inferred = axis;
        } else if (number == 0 && attrs.zero == ReshapeAttrs::Zero::CopiesInput) {
            if (input && axis >= input->size()) context.reject("a 0 in the target shape has no input axis to copy");
            dim = input ? (*input)[axis] : Dim();
        }
        has_unknown = has_unknown || (!number && target[axis].symbol.empty());
        output.push_back(dim);
        if (inferred != axis) rest.take(context, dim);
    }
    if (!input) return output;
    Product whole;
    for (const Dim& dim : *input) whole.take(context, dim);
    if (inferred) output[*inferred] = quotient(context, whole, rest);
    else if (whole.is_known && rest.is_known && whole.symbols.empty() && rest.symbols.empty() && whole.number != rest.number &&
             !has_unknown)
        context.reject(format("{} elements cannot be shaped to {} elements", whole.number, rest.number));
    return output;
}

}  // namespace mcompress
