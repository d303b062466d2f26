// Reading the attributes of the random operators.
#include "ops/attributes.h"
#include "ops/random.h"

namespace mcompress {

namespace {

DType dtype_attribute(const Node& node, DType fallback) {
    const std::int64_t number = int_attribute(node, "dtype", static_cast<std::int64_t>(fallback));
    if (number < 0 || number > 255 || (number != 0 && !is_known_dtype(static_cast<int>(number))))
        reject_attribute(node, "dtype", format("is {}, which is no element type", number));
    return static_cast<DType>(number);
}

bool is_normal(const Node& node) { return node.op_type().starts_with("RandomNormal"); }
bool is_like(const Node& node) { return node.op_type().ends_with("Like"); }

}  // namespace

SeedAttrs SeedAttrs::read(const Node& node) {
    if (!has_attribute(node, "seed")) return {};
    if (node.is("Dropout")) return {static_cast<double>(int_attribute(node, "seed", 0))};
    return {static_cast<double>(float_attribute(node, "seed", 0.0F))};
}

RandomAttrs RandomAttrs::read(const Node& node) {
    RandomAttrs attrs;
    attrs.dtype = dtype_attribute(node, is_like(node) ? DType::Undefined : DType::Float32);
    attrs.seed = SeedAttrs::read(node).seed;
    if (!is_like(node)) attrs.shape = ints_attribute(node, "shape");
    for (const std::int64_t extent : attrs.shape)
        if (extent < 0) reject_attribute(node, "shape", format("holds {}", extent));
    if (is_normal(node)) {
        attrs.mean = static_cast<double>(float_attribute(node, "mean", 0.0F));
        attrs.scale = static_cast<double>(float_attribute(node, "scale", 1.0F));
    } else {
        attrs.low = static_cast<double>(float_attribute(node, "low", 0.0F));
        attrs.high = static_cast<double>(float_attribute(node, "high", 1.0F));
    }
    return attrs;
}

BernoulliAttrs BernoulliAttrs::read(const Node& node) { return {dtype_attribute(node, DType::Undefined), SeedAttrs::read(node).seed}; }

MultinomialAttrs MultinomialAttrs::read(const Node& node) {
    MultinomialAttrs attrs;
    attrs.dtype = dtype_attribute(node, DType::Int32);
    attrs.sample_size = int_attribute(node, "sample_size", 1);
    if (attrs.sample_size < 0) reject_attribute(node, "sample_size", format("is {}", attrs.sample_size));
    attrs.seed = SeedAttrs::read(node).seed;
    return attrs;
}

}  // namespace mcompress
