#include "passes/fuse/fuse_conv_bn.h"

#include <cmath>

#include "ops/normalization.h"
#include "passes/constant_values.h"
#include "passes/fuse/linear_node.h"
#include "passes/rewriter.h"

namespace mcompress {

namespace {

constexpr const char* kParameters[] = {"", "scale", "bias", "mean", "variance"};

/// The constant parameter at an input, one number a channel.
std::optional<std::vector<double>> parameter(const Node& node, int index, std::int64_t channels, std::string& why) {
    const Tensor* tensor = known_tensor(node.input(index));
    auto values = tensor ? doubles_of(*tensor) : std::nullopt;
    if (!values) why = format("its {} is not a constant", kParameters[index]);
    else if (static_cast<std::int64_t>(values->size()) != channels) why = format("its {} does not fit the channels", kParameters[index]);
    return why.empty() ? std::move(values) : std::nullopt;
}

/// What the normalization does to a channel; nothing, and why, when that is not known.
std::optional<ChannelAffine> affine_of(const Node& node, std::int64_t channels, std::string& why) {
    const auto attributes = attrs<BatchNormAttrs>(node);
    if (attributes.mode == BatchNormAttrs::Mode::Training) why = "it is in training mode";
    else if (attributes.statistics != BatchNormAttrs::Statistics::PerChannel) why = "it has statistics for each element";
    if (!why.empty()) return std::nullopt;
    std::vector<double> given[5];
    for (int index = 1; index <= 4; ++index) {
        auto values = parameter(node, index, channels, why);
        if (!values) return std::nullopt;
        given[index] = std::move(*values);
    }
    ChannelAffine affine;
    for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c) {
        const double variance = given[4][c] + static_cast<double>(attributes.epsilon);
        if (!(variance > 0.0)) {
            why = format("the variance of channel {} is not positive", c);
            return std::nullopt;
        }
        affine.scale.push_back(given[1][c] / std::sqrt(variance));
        affine.shift.push_back(given[2][c] - given[3][c] * affine.scale.back());
    }
    return affine;
}

/// Why the normalization stays; empty when it went into `linear`.
std::string fuse(Node& linear, Node& norm) {
    if (std::string why = why_not_take_over(linear, norm); !why.empty()) return why;
    if (std::string why = why_not_constant_weights(linear); !why.empty()) return why;
    std::string why;
    const auto affine = affine_of(norm, output_channels(linear), why);
    if (!affine) return why;
    if (why = absorb(linear, *affine); !why.empty()) return why;
    take_over(&linear, &norm);
    return {};
}

class FuseConvBn : public Pass {
public:
    std::string_view name() const override { return "fuse-conv-bn"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        for_each_node(graph, [&](Node& node) {
            if (!node.is("BatchNormalization")) return;
            Node* linear = node.input(0) ? node.input(0)->producer() : nullptr;
            std::string why = "it does not follow a Conv, ConvTranspose or Gemm";
            if (linear && is_linear_node(*linear)) why = fuse(*linear, node);
            if (why.empty()) ++result.rewrites;
            else result.skipped.push_back(skip(node, std::move(why)));
        });
        return result;
    }
};

}  // namespace

std::unique_ptr<Pass> make_fuse_conv_bn() { return std::make_unique<FuseConvBn>(); }

}  // namespace mcompress
