// Attributes of the normalization family.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/node.h"
#include "tensor/dtype.h"

namespace mcompress {

/// Y = (X - mean) / sqrt(var + epsilon) * scale + bias per channel (axis 1).
struct BatchNormAttrs {
    enum class Mode { Inference, Training };
    enum class Statistics { PerChannel, PerElement };  // `spatial` of opset <= 8: 1 and 0

    float epsilon = 1e-5F;
    float momentum = 0.9F;
    Mode mode = Mode::Inference;  // Training: training_mode = 1 (from 14), or more than one output (7 to 13), or is_test = 0 (<= 6)
    Statistics statistics = Statistics::PerChannel;

    static BatchNormAttrs read(const Node& node);
};

struct InstanceNormAttrs {
    float epsilon = 1e-5F;
    static InstanceNormAttrs read(const Node& node);
};

/// LayerNormalization (ai.onnx 17 and the same operator of the default domain that ONNX Runtime accepted before), SimplifiedLayerNormalization,
/// RMSNormalization. Normalizes over [axis, rank).
struct LayerNormAttrs {
    std::int64_t axis = -1;
    float epsilon = 1e-5F;
    std::int64_t stash_type = 1;  // element type of the intermediate computation, as in TensorProto
    static LayerNormAttrs read(const Node& node);
};

struct GroupNormAttrs {
    enum class Parameters { PerGroup, PerChannel };  // opset 18; from 21

    std::int64_t num_groups = 1;
    float epsilon = 1e-5F;
    Parameters parameters = Parameters::PerChannel;
    static GroupNormAttrs read(const Node& node);
};

/// Y = X / (bias + alpha / size * sum of squares over `size` channels)^beta.
struct LrnAttrs {
    std::int64_t size = 1;
    float alpha = 1e-4F;
    float beta = 0.75F;
    float bias = 1.0F;
    static LrnAttrs read(const Node& node);
};

struct LpNormAttrs {
    std::int64_t axis = -1;
    std::int64_t p = 2;
    static LpNormAttrs read(const Node& node);
};

/// (X - mean) / (sqrt(var) + 1e-9) over `axes`.
struct MeanVarianceNormAttrs {
    std::vector<std::int64_t> axes = {0, 2, 3};
    static MeanVarianceNormAttrs read(const Node& node);
};

}  // namespace mcompress
