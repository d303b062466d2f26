#include "ops/einsum.h"

#include <map>

#include "ops/infer_rules.h"
#include "ops/matmul.h"

namespace mcompress {

namespace {

struct Extents {
    std::map<char, Dim> letters;
    Dims ellipsis;  // broadcast over the terms that have one
};

void add_term(const InferContext& context, const std::string& term, const Dims& dims, Extents& extents) {
    const bool has_ellipsis = term.find('.') != std::string::npos;
    const std::size_t named = term.size() - (has_ellipsis ? 1 : 0);
    if (dims.size() < named || (!has_ellipsis && dims.size() != named))
        context.reject(format("the term '{}' does not fit an input of rank {}", term, dims.size()));
    std::size_t axis = 0;
    for (const char letter : term) {
        if (letter == '.') {
            const std::size_t count = dims.size() - named;
            extents.ellipsis = broadcast_dims(
                context, extents.ellipsis,
                Dims(dims.begin() + static_cast<std::ptrdiff_t>(axis), dims.begin() + static_cast<std::ptrdiff_t>(axis + count)));
            axis += count;
            continue;
        }
        const Dim& dim = dims[axis++];
        const auto [found, is_new] = extents.letters.emplace(letter, dim);
        if (!is_new) found->second = broadcast_dims(context, {found->second}, {dim})[0];
    }
}

std::optional<Extents> read_extents(const InferContext& context, const EinsumAttrs& attrs) {
    if (attrs.inputs.size() != static_cast<std::size_t>(context.input_count()))
        context.reject(format("the equation has {} terms for {} inputs", attrs.inputs.size(), context.input_count()));
    Extents extents;
    for (int index = 0; index < context.input_count(); ++index) {
        if (!context.input(index).has_rank()) return std::nullopt;
        add_term(context, attrs.inputs[static_cast<std::size_t>(index)], *context.input(index).dims, extents);
    }
    return extents;
}

}  // namespace

void infer_einsum(InferContext& context) {
    const EinsumAttrs attrs = EinsumAttrs::read(context.node());
    const DType dtype = context.input(0).dtype;
    const auto extents = read_extents(context, attrs);
    if (!extents) return context.set_output(0, tensor_of(dtype));
    Dims output;
    for (const char letter : attrs.output) {
        if (letter == '.') output.insert(output.end(), extents->ellipsis.begin(), extents->ellipsis.end());
        else output.push_back(extents->letters.at(letter));
    }
    context.set_output(0, ValueType::tensor(dtype, std::move(output)));
}

std::int64_t einsum_macs(const Node& node, std::span<const ValueType> inputs, std::span<const ValueType>) {
    if (inputs.size() != 2) return 0;
    const InferContext context(node, inputs, {});
    const auto extents = read_extents(context, EinsumAttrs::read(node));
    std::int64_t macs = 1;
    for (const auto& [letter, dim] : extents->letters) macs = saturating_multiply(macs, dim.extent());
    for (const Dim& dim : extents->ellipsis) macs = saturating_multiply(macs, dim.extent());
    return macs;
}

}  // namespace mcompress
