// Integer products of a quantized graph whose kernels may add two products in 16 bits, and the weight codes that would saturate there.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "quant/saturation.h"

namespace mcompress {

/// A Conv, Gemm or MatMul on dequantized codes, or a ConvInteger or MatMulInteger, with constant int8 weights.
struct PairedProduct {
    const Tensor* weight = nullptr;  // int8 codes
    SummationOrder order;
    Value* activation = nullptr;  // 8-bit codes
    Value* zero_point = nullptr;  // of the activation; null: 0
    std::vector<float> scales;    // of the sums: one, or one an output channel; empty when the sums are the result
};

/// Nothing when the node is no integer product, or none that forms pairs. `why_not`, when given, gets a clause for products that cannot be looked into.
std::optional<PairedProduct> paired_product(const Node& node, std::string* why_not = nullptr);

/// Output channels of one product whose codes hold a pair that can saturate.
struct PairRisk {
    std::string node;  // display name
    std::string op;
    std::int64_t channels = 0;
    std::int64_t at_risk = 0;
    int worst_pair = 0;  // |p + q|, harmless up to pair_limit()
};

/// Every product that forms pairs, bodies included. `Either` packing: whatever a kernel packs.
std::vector<PairRisk> find_pair_risks(const Graph& graph, PairPacking packing = PairPacking::Either);
PairRisk pair_risk(const Tensor& codes, const SummationOrder& order, PairPacking packing);

}  // namespace mcompress
