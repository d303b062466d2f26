#include "engine/dynamic_products.h"

#include <optional>
#include <unordered_set>

namespace mcompress {

namespace {

class Finder {
public:
    Finder(const PropagatedValues& values, const std::function<bool(const Value&)>& is_kept)
        : values_(values), is_kept_(is_kept), live_(values.nodes.begin(), values.nodes.end()) {}

    std::optional<DynamicProduct> at(const Node& node) {
        if (!node.is("MatMulInteger") && !node.is("ConvInteger")) return std::nullopt;
        DynamicProduct product;
        product.quantizer = node.input(0) ? node.input(0)->producer() : nullptr;
        const Node* quantizer = product.quantizer;
        if (!quantizer || !quantizer->is("DynamicQuantizeLinear") || !live_.contains(quantizer)) return std::nullopt;
        if (node.input(0) != quantizer->output(0) || !quantizer->output(1) || node.input(2) != quantizer->output(2)) return std::nullopt;
        if (!node.input(2) || !read_codes(node, product.weights)) return std::nullopt;
        const Node* cast = only_reader(node);
        if (!cast || !cast->is("Cast") || values_.dtype(cast->output(0)) != DType::Float32) return std::nullopt;
        product.nodes = {&node, cast};
        return scale(product, *cast) ? std::optional(std::move(product)) : std::nullopt;
    }

private:
    const Node* only_reader(const Node& node) const {
        const Value* value = node.output(0);
        if (!value || value->uses().size() != 1 || is_kept_(*value)) return nullptr;
        const Node* reader = value->uses()[0].node;
        return live_.contains(reader) ? reader : nullptr;
    }

    static const Value* beside(const Node& mul, const Value* value) {
        if (!mul.is("Mul") || mul.input_count() != 2) return nullptr;
        return mul.input(0) == value ? mul.input(1) : mul.input(0);
    }

    bool read_codes(const Node& node, QuantizedWeights& weights) const {
        weights.codes = node.input(1) ? values_.tensor(node.input(1)) : nullptr;
        const bool is_matrix = node.is("MatMulInteger");
        if (!weights.codes || weights.codes->element_count() == 0) return false;
        if (is_matrix ? weights.codes->shape().rank() != 2 : weights.codes->shape().rank() < 3) return false;
        const DType dtype = weights.codes->dtype();
        if (!is_8_bit(dtype)) return false;
        weights.axis = is_matrix ? 1 : 0;
        if (!node.input(3)) return true;
        const Tensor* zero = values_.tensor(node.input(3));
        const std::int64_t count = zero ? zero->element_count() : 0;
        if (!zero || zero->dtype() != dtype || (count != 1 && count != weights.codes->shape()[weights.axis])) return false;
        weights.zero_points = code_integers(*zero);
        return true;
    }

    /// One scale for all, or one an output: along the last axis of a matrix product's result, the second of a convolution's.
    bool read_scales(const Value* value, QuantizedWeights& weights) const {
        const Tensor* scales = value ? values_.tensor(value) : nullptr;
        if (!scales || scales->dtype() != DType::Float32) return false;
        const std::int64_t outputs = weights.codes->shape()[weights.axis], count = scales->element_count();
        const int from_the_end = weights.axis == 1 ? 1 : weights.codes->shape().rank() - 1, rank = scales->shape().rank();
        if (count != 1 && (count != outputs || rank < from_the_end || scales->shape()[rank - from_the_end] != outputs)) return false;
        weights.scales.assign(scales->values<float>().begin(), scales->values<float>().end());
        return true;
    }

    bool scale(DynamicProduct& product, const Node& cast) const {
        const Node* mul = only_reader(cast);
        const Value* factor = mul ? beside(*mul, cast.output(0)) : nullptr;
        const Value* source_scale = product.quantizer->output(1);
        if (!factor || !has_rank_of(*mul, product)) return false;
        product.nodes.push_back(mul);
        product.output = mul->output(0);
        const Node* both = factor->producer();
        if (both && beside(*both, source_scale) && (both->input(0) == source_scale || both->input(1) == source_scale)) {
            if (both->output(0)->uses().size() == 1 && !is_kept_(*both->output(0))) product.nodes.insert(product.nodes.end() - 1, both);
            return read_scales(beside(*both, source_scale), product.weights);
        }
        const Node* second = only_reader(*mul);
        const Value* other = second ? beside(*second, mul->output(0)) : nullptr;
        if (!other || !has_rank_of(*second, product)) return false;
        product.nodes.push_back(second);
        product.output = second->output(0);
        product.order = factor == source_scale ? DynamicProduct::Order::BySourceFirst : DynamicProduct::Order::ByWeightsFirst;
        return factor == source_scale ? read_scales(other, product.weights) : other == source_scale && read_scales(factor, product.weights);
    }

    /// Scales of higher rank would change the shape.
    bool has_rank_of(const Node& mul, const DynamicProduct& product) const {
        return values_.shape(mul.output(0)).has_value() && values_.shape(mul.output(0)) == values_.shape(product.nodes[0]->output(0));
    }

    const PropagatedValues& values_;
    const std::function<bool(const Value&)>& is_kept_;
    std::unordered_set<const Node*> live_;
};

}  // namespace

std::vector<DynamicProduct> find_dynamic_products(const PropagatedValues& values, const std::function<bool(const Value&)>& is_kept) {
    Finder finder(values, is_kept);
    std::vector<DynamicProduct> products;
    for (const Node* node : values.nodes)
        if (auto product = finder.at(*node)) products.push_back(std::move(*product));
    return products;
}

}  // namespace mcompress
