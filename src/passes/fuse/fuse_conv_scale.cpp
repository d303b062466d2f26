#include "passes/fuse/fuse_conv_scale.h"

#include "ops/elementwise.h"
#include "passes/constant_values.h"
#include "passes/fuse/linear_node.h"
#include "passes/rewriter.h"

namespace mcompress {

namespace {

bool is_arithmetic(const Node& node) { return node.is("Mul") || node.is("Div") || node.is("Add") || node.is("Sub"); }

/// Where the first axis of the constant lies among the axes of the result; nothing when it has more axes than that.
std::optional<int> constant_axis(const Node& node, int side, const Shape& constant, int rank) {
    const auto attributes = attrs<BroadcastAttrs>(node);
    if (attributes.rule == BroadcastAttrs::Rule::Legacy && attributes.axis && side == 1)
        return static_cast<int>(*attributes.axis < 0 ? *attributes.axis + rank : *attributes.axis);
    return constant.rank() <= rank ? std::optional(rank - constant.rank()) : std::nullopt;
}

/// The constant as one number a channel (axis 1 of the result); nothing when it differs within a channel.
std::optional<std::vector<double>> per_channel(const Node& node, int side, const Tensor& constant, int rank, std::int64_t channels) {
    const auto values = doubles_of(constant);
    const auto first = constant_axis(node, side, constant.shape(), rank);
    if (!values || !first || values->empty()) return std::nullopt;
    for (int axis = 0; axis < constant.shape().rank(); ++axis) {
        const std::int64_t extent = constant.shape()[axis];
        if (extent != 1 && (axis + *first != 1 || extent != channels)) return std::nullopt;
    }
    if (values->size() == 1) return std::vector<double>(static_cast<std::size_t>(channels), values->front());
    return values;
}

/// What the node does to a channel of its other operand, `constant` being at input `side`.
ChannelAffine affine_of(const Node& node, int side, const std::vector<double>& constant) {
    ChannelAffine affine{std::vector<double>(constant.size(), 1.0), std::vector<double>(constant.size(), 0.0)};
    for (std::size_t c = 0; c < constant.size(); ++c) {
        if (node.is("Mul")) affine.scale[c] = constant[c];
        if (node.is("Div")) affine.scale[c] = 1.0 / constant[c];
        if (node.is("Add")) affine.shift[c] = constant[c];
        if (node.is("Sub")) affine.shift[c] = side == 0 ? constant[c] : -constant[c];
        if (node.is("Sub") && side == 0) affine.scale[c] = -1.0;
    }
    return affine;
}

/// Why the arithmetic stays; empty when it went into `linear`, the operand beside the constant at input `side`.
std::string fuse(Node& linear, Node& node, int side) {
    if (node.is("Div") && side == 0) return format("it divides by '{}'", linear.display_name());
    if (std::string why = why_not_take_over(linear, node); !why.empty()) return why;
    if (std::string why = why_not_constant_weights(linear); !why.empty()) return why;
    const auto constant = per_channel(node, side, *known_tensor(node.input(side)), output_rank(linear), output_channels(linear));
    if (!constant) return "its constant is not one number a channel";
    if (std::string why = absorb(linear, affine_of(node, side, *constant)); !why.empty()) return why;
    take_over(&linear, &node);
    return {};
}

class FuseConvScale : public Pass {
public:
    std::string_view name() const override { return "fuse-conv-scale"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        for_each_node(graph, [&](Node& node) {
            if (is_arithmetic(node)) visit(node, result);
        });
        return result;
    }

private:
    static void visit(Node& node, PassResult& result) {
        for (const int side : {1, 0}) {
            Node* linear = node.input(1 - side) ? node.input(1 - side)->producer() : nullptr;
            if (!linear || !is_linear_node(*linear) || !known_tensor(node.input(side))) continue;
            std::string why = fuse(*linear, node, side);
            if (why.empty()) ++result.rewrites;
            else result.skipped.push_back(skip(node, std::move(why)));
            return;
        }
    }
};

}  // namespace

std::unique_ptr<Pass> make_fuse_conv_scale() { return std::make_unique<FuseConvScale>(); }

}  // namespace mcompress
