#include "passes/fuse/fuse_pad.h"

#include <algorithm>
#include <limits>

#include "ops/attributes.h"
#include "ops/conv.h"
#include "ops/pool.h"
#include "ops/shape.h"
#include "passes/rewriter.h"

namespace mcompress {

namespace {

constexpr int kSpatial = 2;            // first spatial axis
constexpr int kCountsPaddingSince = 7;  // AveragePool's count_include_pad

enum class Reader { Conv, AveragePool, MaxPool };

std::optional<Reader> reader_kind(const Node& node) {
    if (node.is("Conv")) return Reader::Conv;
    if (node.is("AveragePool")) return Reader::AveragePool;
    if (node.is("MaxPool")) return Reader::MaxPool;
    return std::nullopt;
}

std::string why_not_fill(const PadAttrs& pad, Reader reader) {
    if (pad.mode != PadAttrs::Mode::Constant) return "its Pad does not fill with a constant";
    if (!pad.value.is_settled()) return "the fill of its Pad is not known";
    const double fill = pad.value.value.value_or(0.0);
    const bool fits = reader == Reader::MaxPool ? fill <= static_cast<double>(std::numeric_limits<float>::lowest()) : fill == 0.0;
    return fits ? std::string() : format("its Pad fills with {:g}", fill);
}

std::string why_not_amounts(const std::vector<PadAttrs::Amount>& amounts) {
    for (std::size_t axis = 0; axis < amounts.size(); ++axis) {
        if (amounts[axis].begin < 0 || amounts[axis].end < 0) return "its Pad crops";
        if (axis < kSpatial && amounts[axis] != PadAttrs::Amount{}) return "its Pad pads batch or channels";
    }
    return amounts.size() > kSpatial ? std::string() : "its Pad has no spatial axis";
}

std::string why_not_window(const Node& node, Reader reader, const WindowAttrs& window, const std::vector<std::int64_t>& pads) {
    if (window.auto_pad == AutoPad::SameUpper || window.auto_pad == AutoPad::SameLower) return "it pads to keep its size";
    if (reader == Reader::Conv) return {};
    if (window.rounding == WindowRounding::Ceil) return "it rounds its size up";
    const std::size_t axes = pads.size() / 2;
    for (std::size_t axis = 0; axis < axes && axis < window.kernel_shape.size(); ++axis)
        if (std::max(pads[axis], pads[axis + axes]) >= window.kernel_shape[axis]) return "it would pad as far as its kernel reaches";
    if (reader != Reader::AveragePool) return {};
    if (node.opset_version() < kCountsPaddingSince) return "AveragePool cannot count padding before opset 7";
    const bool pads_itself = std::any_of(window.pads.begin(), window.pads.end(), [](std::int64_t pad) { return pad != 0; });
    return pads_itself && !attrs<PoolAttrs>(node).count_include_pad ? "it leaves its own padding out of the mean" : std::string();
}

// The reader's own pads plus those of the Pad: all begins, then all ends.
std::vector<std::int64_t> add_pads(const WindowAttrs& window, const std::vector<PadAttrs::Amount>& amounts) {
    const std::size_t axes = amounts.size() - kSpatial;
    std::vector<std::int64_t> pads(2 * axes, 0);
    if (window.auto_pad == AutoPad::NotSet && window.pads.size() == pads.size()) pads = window.pads;
    for (std::size_t axis = 0; axis < axes; ++axis) {
        pads[axis] += amounts[axis + kSpatial].begin;
        pads[axis + axes] += amounts[axis + kSpatial].end;
    }
    return pads;
}

class FusePad : public Pass {
public:
    std::string_view name() const override { return "fuse-pad"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        for_each_node(graph, [&](Node& node) {
            const auto reader = reader_kind(node);
            if (!reader || !node.input(0) || !node.input(0)->producer() || !node.input(0)->producer()->is("Pad")) return;
            const std::string reason = fuse(*node.input(0)->producer(), node, *reader);
            if (reason.empty()) ++result.rewrites;
            else result.skipped.push_back(skip(node, reason));
        });
        return result;
    }

private:
    static std::string fuse(Node& pad, Node& node, Reader reader) {
        if (&pad.graph() != &node.graph()) return "its Pad belongs to another graph";
        const auto attributes = attrs<PadAttrs>(pad);
        if (std::string reason = why_not_fill(attributes, reader); !reason.empty()) return reason;
        const ValueType& input = pad.input(0)->type();
        if (!attributes.pads.values || !(attributes.axes.is_absent() || attributes.axes.values) || !input.has_rank())
            return "the amounts of its Pad are not known";
        const auto amounts = PadAttrs::resolve(input.rank(), *attributes.pads.values, attributes.axes.values);
        if (std::string reason = why_not_amounts(amounts); !reason.empty()) return reason;
        const WindowAttrs window = reader == Reader::Conv ? attrs<ConvAttrs>(node).window : attrs<PoolAttrs>(node).window;
        const std::vector<std::int64_t> pads = add_pads(window, amounts);
        if (std::string reason = why_not_window(node, reader, window, pads); !reason.empty()) return reason;

        Graph& graph = node.graph();
        graph.set_input(&node, 0, pad.input(0));
        graph.set_attribute(&node, "pads", pads);
        graph.erase_attribute(&node, "auto_pad");
        if (reader == Reader::AveragePool) graph.set_attribute(&node, "count_include_pad", std::int64_t{1});
        if (pad.output(0)->is_unused()) graph.erase(&pad);
        return {};
    }
};

}  // namespace

std::unique_ptr<Pass> make_fuse_pad() { return std::make_unique<FusePad>(); }

}  // namespace mcompress
