#include "passes/fuse/fuse_conv_bn.h"

#include <array>
#include <cmath>

#include "ops/attributes.h"
#include "ops/normalization.h"
#include "passes/fuse/output_affine.h"
#include "passes/rewriter.h"

namespace mcompress {

namespace {

struct Statistics {
    std::array<const Tensor*, 4> tensors{};  // gamma, beta, mean, var
};

std::string read_statistics(const Node& node, std::int64_t channels, Statistics& found) {
    static constexpr std::array<const char*, 4> kNames{"scale", "bias", "mean", "variance"};
    for (std::size_t at = 0; at < kNames.size(); ++at) {
        const Tensor* tensor = known_tensor(node.input(static_cast<int>(at) + 1));
        if (!tensor) return format("its {} is not a constant", kNames[at]);
        if (tensor->dtype() != DType::Float32) return format("its {} is {}", kNames[at], dtype_name(tensor->dtype()));
        if (tensor->element_count() != channels) return format("its {} has shape {} for {} channels", kNames[at], tensor->shape().to_string(), channels);
        found.tensors[at] = tensor;
    }
    return {};
}

ChannelAffine to_affine(const Statistics& statistics, double epsilon) {
    const auto value = [&](std::size_t which, std::size_t c) { return static_cast<double>(statistics.tensors[which]->data<float>()[c]); };
    ChannelAffine affine;
    for (std::size_t c = 0; c < static_cast<std::size_t>(statistics.tensors[0]->element_count()); ++c) {
        const double scale = value(0, c) / std::sqrt(value(3, c) + epsilon);
        affine.scale.push_back(scale);
        affine.shift.push_back(value(1, c) - value(2, c) * scale);
    }
    return affine;
}

class FuseConvBn : public Pass {
public:
    std::string_view name() const override { return "fuse-conv-bn"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        for_each_node(graph, [&](Node& node) {
            if (!node.is("BatchNormalization") || !node.input(0) || !node.input(0)->producer() || !is_linear(*node.input(0)->producer())) return;
            const std::string reason = fuse(*node.input(0)->producer(), node);
            if (reason.empty()) ++result.rewrites;
            else result.skipped.push_back(skip(node, reason));
        });
        return result;
    }

private:
    // Empty when fused (the normalization is gone then), else why not.
    static std::string fuse(Node& linear, Node& norm) {
        if (std::string reason = why_not_take_over(linear, norm); !reason.empty()) return reason;
        if (std::string reason = why_not_absorb(linear); !reason.empty()) return reason;
        const auto attributes = attrs<BatchNormAttrs>(norm);
        if (attributes.mode == BatchNormAttrs::Mode::Training) return "it is in training mode";
        if (attributes.statistics != BatchNormAttrs::Statistics::PerChannel) return "its statistics are not per channel";
        Statistics statistics;
        if (std::string reason = read_statistics(norm, *linear_channels(linear), statistics); !reason.empty()) return reason;
        if (!absorb(&linear, to_affine(statistics, static_cast<double>(attributes.epsilon)))) return "a folded number would not be finite";
        take_over(&linear, &norm);
        return {};
    }
};

}  // namespace

std::unique_ptr<Pass> make_fuse_conv_bn() { return std::make_unique<FuseConvBn>(); }

}  // namespace mcompress
