// cluster-weights: stores weights as codes of a codebook of a few levels, one codebook a tensor.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "passes/pass.h"
#include "support/stage_progress.h"

namespace mcompress {

/// Whether each row of a weight (what computes one output channel) gets a scale in front of the codebook: its root mean square. Auto: where the error falls by 2 %.
enum class RowScales { Auto, Never, Always };

/// Bytes: one uint8 a weight. Packed: uint4, from opset 21.
enum class CodeStorage { Bytes, Packed };

struct ClusterOptions {
    int bits = 8;  // 2 to 8: at most 2^bits levels a tensor
    RowScales row_scales = RowScales::Auto;
    CodeStorage storage = CodeStorage::Bytes;
    std::map<std::string, std::string> keep = {};  // nodes whose weights stay, by display name, each with the reason
    int threads = 1;
    StageProgress progress = {};
};

/// A weight that became codes.
struct ClusteredWeight {
    std::string weight;
    std::string node;  // the first that reads it
    std::string op;
    std::vector<std::int64_t> shape;
    int levels = 0;
    bool has_row_scales = false;
    double zeros = 0.0;          // share of the weights that are exactly 0, before and after alike when 0 is a level
    bool is_zero_level = false;  // 0 is a level because more than 3 % of the weights were 0
    double sqnr_db = 0.0;        // of the stored weights
    double code_entropy = 0.0;   // bits a weight that an ideal coder of single codes would take
    std::int64_t bytes_before = 0;
    std::int64_t bytes_after = 0;
};

struct ClusterResult {
    std::vector<ClusteredWeight> weights;
    std::vector<Skip> skipped;
};

/// Before:  `y = Conv (x, w)` with w a constant
/// After:   `i = Cast <to = 6> (codes)  l = Gather (codebook, i)  w' = Mul (l, scales)  y = Conv (x, w')`, without Mul where rows have no scales
///
/// Formula: the levels minimize Σ (w − w')² (quant/cluster_values.h) over w / scale, where scale[row] = sqrt(mean(w[row]²)); codes name the nearest level. A weight that
/// several nodes read is stored once. With more than 3 % of exact zeros one level is 0: they stay zeros.
///
/// Does nothing to weights that are not constant floats or not finite, of nodes to be kept, or where codes, codebook and three nodes take as much as the weights do.
/// Throws kOpsetUnsupported below opset 7, and for packed codes below 21. The same for any number of threads.
ClusterResult cluster_weights(Graph& graph, const ClusterOptions& options);

/// The pass of the registry: 8 bits, or as told.
std::unique_ptr<Pass> make_cluster_weights(ClusterOptions options = {});

}  // namespace mcompress
