#include "engine/onednn/gelu.h"

#include <cmath>
#include <numbers>

namespace mcompress::onednn {

namespace {

bool is_near(float value, double wanted) { return std::abs(static_cast<double>(value) / wanted - 1.0) < 1e-4; }

class Matcher {
public:
    Matcher(const PropagatedValues& values, const Value& x) : values_(values), x_(x) {}

    std::optional<WrittenGelu> match() {
        if (x_.uses().size() != 2) return std::nullopt;
        const Node *scale = nullptr, *other = nullptr;
        for (const Use& use : x_.uses()) (is_times(*use.node, x_, 1.0 / std::numbers::sqrt2) ? scale : other) = use.node;
        const Node* erf = scale && other ? only_reader(*scale) : nullptr;
        const Node* sum = erf && erf->is("Erf") ? only_reader(*erf) : nullptr;
        if (!sum || !sum->is("Add") || !is_near(scalar_beside(*sum, *erf->output(0)), 1.0)) return std::nullopt;
        const Node* next = only_reader(*sum);
        if (!next) return std::nullopt;
        const Value& bracket = *sum->output(0);
        if (is_times(*other, x_, 0.5))  // (x·½)·bracket
            return multiplies(*next, *other->output(0), bracket) ? result({scale, erf, sum, other, next}) : std::nullopt;
        if (is_times(*next, bracket, 0.5))  // x·(bracket·½)
            return multiplies(*other, x_, *next->output(0)) ? result({scale, erf, sum, next, other}) : std::nullopt;
        const Node* last = next == other && multiplies(*next, x_, bracket) ? only_reader(*next) : nullptr;
        return last && is_times(*last, *next->output(0), 0.5) ? result({scale, erf, sum, next, last}) : std::nullopt;  // (x·bracket)·½
    }

private:
    static const Node* only_reader(const Node& node) {
        const Value* output = node.output(0);
        return output && output->uses().size() == 1 && !output->is_graph_output() ? output->uses()[0].node : nullptr;
    }

    /// The known scalar beside `value` among two inputs; NaN when there is none.
    float scalar_beside(const Node& node, const Value& value) const {
        if (node.input_count() != 2) return NAN;
        const Value* other = node.input(0) == &value ? node.input(1) : node.input(0);
        const Tensor* known = other ? values_.tensor(other) : nullptr;
        const auto shape = values_.shape(&value);
        const bool is_scalar = known && known->dtype() == DType::Float32 && known->element_count() == 1;
        // A scalar of higher rank would give the result another shape.
        return is_scalar && shape && known->shape().rank() <= shape->rank() ? known->data<float>()[0] : NAN;
    }

    bool is_times(const Node& node, const Value& value, double factor) const {
        return (node.is("Mul") && is_near(scalar_beside(node, value), factor)) ||
               (node.is("Div") && node.input(0) == &value && is_near(scalar_beside(node, value), 1.0 / factor));
    }

    static bool multiplies(const Node& node, const Value& a, const Value& b) {
        return node.is("Mul") && node.input_count() == 2 &&
               ((node.input(0) == &a && node.input(1) == &b) || (node.input(0) == &b && node.input(1) == &a));
    }

    std::optional<WrittenGelu> result(std::vector<const Node*> nodes) const {
        const auto shape = values_.shape(&x_);
        for (const Node* node : nodes) {
            if (!node->domain().empty() || values_.shape(node->output(0)) != shape) return std::nullopt;
            if (node != nodes.back() && (node->output(0)->uses().size() != 1 || node->output(0)->is_graph_output())) return std::nullopt;
        }
        return WrittenGelu{std::move(nodes), {dnnl::algorithm::eltwise_gelu_erf, 0.0F, 0.0F}};
    }

    const PropagatedValues& values_;
    const Value& x_;
};

}  // namespace

std::optional<WrittenGelu> match_gelu(const PropagatedValues& values, const Value& x) { return Matcher(values, x).match(); }

}  // namespace mcompress::onednn
