#include "passes/fuse/fuse_pad.h"

#include <algorithm>
#include <limits>

#include "ops/conv.h"
#include "ops/elementwise.h"
#include "ops/pool.h"
#include "ops/shape.h"
#include "passes/rewriter.h"

namespace mcompress {

namespace {

constexpr int kAveragePoolCountsPadSince = 7;

using Integers = std::vector<std::int64_t>;

/// What Conv and the poolings have in common here.
struct WindowNode {
    WindowAttrs window;
    Integers kernel;  // empty: not known
};

WindowNode read_window(const Node& node) {
    if (!node.is("Conv")) {
        const auto attributes = attrs<PoolAttrs>(node);
        return {attributes.window, attributes.window.kernel_shape};
    }
    const auto attributes = attrs<ConvAttrs>(node);
    const auto weights = node.input(1) ? node.input(1)->type().shape() : std::nullopt;
    if (!weights || weights->rank() < 3) return {attributes.window, attributes.window.kernel_shape};
    return {attributes.window, Integers(weights->begin() + 2, weights->end())};
}

bool is_never_negative(const Value& value) {
    const Node* producer = value.producer();
    if (!producer) return false;
    if (producer->is("Relu") || producer->is("Sigmoid") || producer->is("HardSigmoid")) return true;
    if (!producer->is("Clip")) return false;
    const auto lowest = attrs<ClipAttrs>(*producer).min.value;
    return lowest && *lowest >= 0.0;
}

std::string why_not_pool(const Node& pool, const PoolAttrs& attributes) {
    const auto& dilations = attributes.window.dilations;
    if (attributes.window.rounding == WindowRounding::Ceil) return "it rounds its output size up";
    if (std::any_of(dilations.begin(), dilations.end(), [](auto dilation) { return dilation != 1; })) return "its window is dilated";
    if (pool.is("MaxPool")) return pool.output(1) && !pool.output(1)->is_unused() ? "its indices count in the padded tensor" : "";
    const auto& pads = attributes.window.pads;
    const bool is_padded = std::any_of(pads.begin(), pads.end(), [](auto amount) { return amount != 0; });
    if (is_padded && !attributes.count_include_pad) return "it does not count padding of its own";
    return pool.opset_version() < kAveragePoolCountsPadSince ? "AveragePool cannot count padding in this opset" : "";
}

/// Why the node would not see the value that the Pad fills in as padding.
std::string why_not_value(const Node& node, const Node& pad, double value) {
    if (!node.is("MaxPool")) return value == 0.0 ? "" : format("'{}' pads with {}", pad.display_name(), value);
    if (value <= static_cast<double>(std::numeric_limits<float>::lowest())) return {};
    if (value == 0.0 && is_never_negative(*pad.input(0))) return {};
    return format("'{}' pads with {}, which can be a maximum", pad.display_name(), value);
}

/// Begins and ends of the spatial axes, as `pads` lists them; nothing, and why, when they are not known or concern others.
std::optional<Integers> spatial_pads(const Node& pad, int rank, std::string& why) {
    const auto attributes = attrs<PadAttrs>(pad);
    const bool has_axes = !attributes.axes.is_absent();
    if (attributes.mode != PadAttrs::Mode::Constant) why = format("'{}' does not pad with a constant", pad.display_name());
    else if (!attributes.pads.values || (has_axes && !attributes.axes.values))
        why = format("the pads of '{}' are not constant", pad.display_name());
    if (!why.empty()) return std::nullopt;
    const auto amounts = PadAttrs::resolve(rank, *attributes.pads.values, attributes.axes.values);
    Integers begins, ends;
    for (std::size_t axis = 0; axis < amounts.size(); ++axis) {
        if (amounts[axis].begin < 0 || amounts[axis].end < 0) why = format("'{}' crops", pad.display_name());
        else if (axis < 2 && amounts[axis] != PadAttrs::Amount{}) why = format("'{}' pads the batch or channel axis", pad.display_name());
        if (!why.empty()) return std::nullopt;
        if (axis < 2) continue;
        begins.push_back(amounts[axis].begin);
        ends.push_back(amounts[axis].end);
    }
    begins.insert(begins.end(), ends.begin(), ends.end());
    return begins;
}

std::int64_t extent_of(const WindowNode& node, std::size_t axis) {
    const std::int64_t dilation = node.window.dilations.empty() ? 1 : node.window.dilations[axis];
    return (node.kernel[axis] - 1) * dilation + 1;
}

/// Why the Pad stays in front of the node; empty when the node pads by itself now.
std::string fuse(const Node& pad, Node& node) {
    const WindowNode window = read_window(node);
    if (window.kernel.empty()) return "its kernel size is not known";
    const int spatial = static_cast<int>(window.kernel.size());
    auto pads = fixed_pads(window.window, spatial);
    if (!pads) return "it pads automatically";
    if (!node.is("Conv"))
        if (std::string why = why_not_pool(node, attrs<PoolAttrs>(node)); !why.empty()) return why;
    std::string why;
    const auto added = spatial_pads(pad, spatial + 2, why);
    if (!added) return why;
    const ScalarSource value = attrs<PadAttrs>(pad).value;
    if (!value.is_settled()) return format("the value of '{}' is not constant", pad.display_name());
    if (why = why_not_value(node, pad, value.value.value_or(0.0)); !why.empty()) return why;
    for (std::size_t at = 0; at < pads->size(); ++at) {
        (*pads)[at] += (*added)[at];
        if ((*pads)[at] >= extent_of(window, at % window.kernel.size())) return "the padding would be as wide as the kernel";
    }
    Graph& graph = node.graph();
    graph.erase_attribute(&node, "auto_pad");
    graph.set_attribute(&node, "pads", std::move(*pads));
    if (node.is("AveragePool")) graph.set_attribute(&node, "count_include_pad", std::int64_t{1});
    graph.set_input(&node, 0, pad.input(0));
    return {};
}

class FusePad : public Pass {
public:
    std::string_view name() const override { return "fuse-pad"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        for_each_node(graph, [&](Node& node) {
            if (node.is("Conv") || node.is("AveragePool") || node.is("MaxPool")) visit(node, result);
        });
        return result;
    }

private:
    static void visit(Node& node, PassResult& result) {
        Node* pad = node.input(0) ? node.input(0)->producer() : nullptr;
        if (!pad || !pad->is("Pad") || !pad->input(0)) return;
        std::string why = fuse(*pad, node);
        if (!why.empty()) {
            result.skipped.push_back(skip(node, std::move(why)));
            return;
        }
        ++result.rewrites;
        if (pad->output(0)->is_unused()) pad->graph().erase(pad);
    }
};

}  // namespace

std::unique_ptr<Pass> make_fuse_pad() { return std::make_unique<FusePad>(); }

}  // namespace mcompress
