#include "ops/rank_constraints.h"

#include "support/format.h"

namespace mcompress {

namespace {

constexpr int kNoBound = 1 << 20;

struct RankRule {
    std::string_view op;  // of ai.onnx
    int since;
    std::size_t input;
    int least, most;
};

// What ONNX's shape inference refuses and ours would compute something for: a vector of sizes that is a scalar or a matrix, a scalar where an axis is needed.
constexpr RankRule kRules[] = {
    {"BatchNormalization", 9, 0, 1, kNoBound},
    {"BatchNormalization", 9, 1, 1, 1},
    {"BatchNormalization", 9, 2, 1, 1},
    {"BatchNormalization", 9, 3, 1, 1},
    {"BatchNormalization", 9, 4, 1, 1},
    {"Compress", 9, 0, 1, kNoBound},
    {"ConstantOfShape", 9, 0, 1, 1},
    {"Dropout", 12, 1, 0, 0},
    {"Dropout", 12, 2, 0, 0},
    {"Expand", 8, 1, 1, 1},
    {"Hardmax", 13, 0, 1, kNoBound},
    {"LogSoftmax", 13, 0, 1, kNoBound},
    {"MaxUnpool", 9, 1, 2, kNoBound},
    {"NegativeLogLikelihoodLoss", 12, 2, 1, 1},
    {"OneHot", 9, 0, 1, kNoBound},
    {"OneHot", 9, 2, 1, 1},
    {"Reshape", 5, 1, 1, 1},
    {"Resize", 11, 3, 1, 1},
    {"ReverseSequence", 10, 1, 1, 1},
    {"Softmax", 13, 0, 1, kNoBound},
    {"SoftmaxCrossEntropyLoss", 12, 2, 1, 1},
    {"StringNormalizer", 10, 0, 1, 2},
};

}  // namespace

std::string rank_problem(const Node& node, std::span<const ValueType> inputs) {
    if (!node.domain().empty()) return {};
    for (const RankRule& rule : kRules) {
        if (rule.op != node.op_type() || rule.since > node.opset_version() || rule.input >= inputs.size()) continue;
        const ValueType& type = inputs[rule.input];
        if (!type.is_tensor() || !type.has_rank() || (type.rank() >= rule.least && type.rank() <= rule.most)) continue;
        return format("input {} has rank {}, expected {}{}", rule.input, type.rank(), rule.most == kNoBound ? "at least " : "", rule.least);
    }
    return {};
}

}  // namespace mcompress
