#include "engine/code_operators.h"

#include <algorithm>

#include "ops/attributes.h"
#include "ops/matmul.h"

namespace mcompress {

namespace {

using Kind = QuantizedGroup::Kind;

/// Operands are three inputs each: codes, scale, zero point.
struct Row {
    std::string_view domain, type, by;
    Kind kind;
    int operands;  // -1: as many as there are
    int first;     // input of the first operand
    int result;    // input of the result's scale; its zero point is behind it. -1: the operand's codes are only moved
    int bias = -1;
};

constexpr std::string_view kMicrosoft = "com.microsoft";
constexpr Row kRows[] = {
    {"", "QLinearConv", "Conv", Kind::Product, 2, 0, 6, 8},
    {kMicrosoft, "QLinearConv", "Conv", Kind::Product, 2, 0, 6, 8},
    {"", "QLinearMatMul", "MatMul", Kind::Product, 2, 0, 6},
    {kMicrosoft, "QGemm", "Gemm", Kind::Product, 2, 0, 7, 6},
    {kMicrosoft, "QLinearAdd", "Add", Kind::Binary, 2, 0, 6},
    {kMicrosoft, "QLinearMul", "Mul", Kind::Binary, 2, 0, 6},
    {kMicrosoft, "QLinearConcat", "Concat", Kind::Concat, -1, 2, 0},
    {kMicrosoft, "QLinearAveragePool", "AveragePool", Kind::Average, 1, 0, 3},
    {kMicrosoft, "QLinearGlobalAveragePool", "GlobalAveragePool", Kind::Average, 1, 0, 3},
    {"", "MaxPool", "MaxPool", Kind::Pool, 1, 0, -1},
};

const Row* find_row(const Node& node) {
    const auto found = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& row) { return node.is(row.domain, row.type); });
    return found == std::end(kRows) ? nullptr : found;
}

class Reader {
public:
    Reader(const PropagatedValues& values, const Node& node, const Row& row) : values_(values), node_(node), row_(row) {}

    std::optional<QuantizedGroup> read() {
        QuantizedGroup group;
        group.kind = row_.kind;
        group.main = &node_;
        group.nodes = {&node_};
        group.output = node_.output(0);
        if (!group.output || !values_.shape(group.output) || is_channels_last()) return std::nullopt;
        if (row_.kind == Kind::Pool) return moved(std::move(group));
        const bool gives_floats =
            row_.kind == Kind::Product && values_.dtype(group.output) == DType::Float32 && !node_.input(row_.result);  // QGemm
        if (!gives_floats) group.output_params = params(row_.result, values_.dtype(group.output));
        if (!gives_floats && !group.output_params) return std::nullopt;
        const int operands = row_.operands < 0 ? (node_.input_count() - row_.first) / 3 : row_.operands;
        const int activations = row_.kind == Kind::Product ? 1 : operands;
        for (int operand = 0; operand < activations; ++operand)
            if (!add_operand(group, row_.first + 3 * operand)) return std::nullopt;
        if (row_.kind == Kind::Product && !add_weights(group)) return std::nullopt;
        return group;
    }

private:
    bool is_channels_last() const {
        const Attribute* order = node_.attribute("channels_last");
        const auto* number = order ? std::get_if<std::int64_t>(&order->value) : nullptr;
        return number && *number != 0;
    }

    /// MaxPool of codes gives codes of the same meaning, whatever it is.
    std::optional<QuantizedGroup> moved(QuantizedGroup group) const {
        const Value* codes = node_.input(0);
        if (!codes || values_.is_known(codes) || !values_.shape(codes) || !is_8_bit(values_.dtype(codes)) || node_.output(1))
            return std::nullopt;
        QuantParams same;
        same.scale = 1.0F;
        same.dtype = values_.dtype(codes);
        group.inputs.push_back({codes, same});
        group.output_params = same;
        return group;
    }

    std::optional<QuantParams> params(int scale_at, DType dtype) const {
        return tensor_params(values_, node_.input(scale_at), node_.input(scale_at + 1), dtype);
    }

    bool add_operand(QuantizedGroup& group, int at) const {
        const Value* codes = node_.input(at);
        if (!codes || values_.is_known(codes) || !values_.shape(codes)) return false;
        const auto found = params(at + 1, values_.dtype(codes));
        if (!found) return false;
        group.inputs.push_back({codes, *found});
        return true;
    }

    bool add_weights(QuantizedGroup& group) const {
        const int at = row_.first + 3;
        QuantizedWeights& weights = group.weights;
        weights.codes = node_.input(at) ? values_.tensor(node_.input(at)) : nullptr;
        const Tensor* scales = node_.input(at + 1) ? values_.tensor(node_.input(at + 1)) : nullptr;
        const Tensor* zero = node_.input(at + 2) ? values_.tensor(node_.input(at + 2)) : nullptr;
        if (!weights.codes || !is_8_bit(weights.codes->dtype()) || weights.codes->element_count() == 0 || (node_.input(at + 2) && !zero))
            return false;
        if (!scales || scales->dtype() != DType::Float32 || scales->element_count() == 0) return false;
        if (row_.by != "Conv" && weights.codes->shape().rank() != 2) return false;
        const bool has_rows = row_.by == "Conv" || (row_.by == "Gemm" && attrs<GemmAttrs>(node_).b == MatrixOrder::Transposed);
        weights.axis = has_rows ? 0 : 1;
        weights.scales.assign(scales->values<float>().begin(), scales->values<float>().end());
        if (zero && zero->dtype() != weights.codes->dtype()) return false;
        if (zero) weights.zero_points = code_integers(*zero);
        const Value* bias = row_.bias < 0 ? nullptr : node_.input(row_.bias);
        if (!bias) return true;
        group.bias_codes = values_.tensor(bias);
        return group.bias_codes && group.bias_codes->dtype() == DType::Int32;
    }

    const PropagatedValues& values_;
    const Node& node_;
    const Row& row_;
};

}  // namespace

std::optional<QuantizedGroup> group_of_codes(const PropagatedValues& values, const Node& node) {
    const Row* row = find_row(node);
    return row ? Reader(values, node, *row).read() : std::nullopt;
}

std::string_view float_operator(const Node& node) {
    const Row* row = find_row(node);
    return row ? row->by : std::string_view(node.op_type());
}

}  // namespace mcompress
