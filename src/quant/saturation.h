// Products added two by two in 16 bits: which weight codes saturate on x86 without VNNI, and the least change that keeps them from it.
//
// For whoever rounds codes: summed_pairs() and pair_limit() once a layer; then for every row of codes (one output channel)
//   pairs_fit(row, pairs, limit)                        does this row saturate?
//   limit_pairs(row, wanted, pairs, limit, energy)      lowers codes of pairs that do not fit, at the least squared error
//   code_range_beside(partner, limit)                   what a code may be next to a code that is fixed (rounding with error feedback)
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "quant/params.h"
#include "tensor/shape.h"

namespace mcompress {

/// How integer kernels walk the weights that one output channel sums over.
struct SummationOrder {
    enum class Products { Paired, Single };
    int channel_axis = 0;                  // output channels
    int innermost_axis = 1;                // the axis whose neighbours are added first
    Products products = Products::Paired;  // Single: every product goes to a 32-bit sum by itself (depthwise kernels)
};

/// Two weights of one output channel whose products a kernel adds in 16 bits: positions in the channel's row, which is the row-major order of the
/// weight's other axes ([C, kh, kw] of a Conv).
struct CodePair {
    std::int32_t first = 0;
    std::int32_t second = 0;
    bool operator==(const CodePair&) const = default;
};

/// How a kernel lays out what it sums where the innermost axis is odd. Where it is even both give the same pairs.
enum class PairPacking {
    Continuous,  // the whole walk in one row: ONNX Runtime (MLAS), pairs reach across positions of the kernel window
    Padded,      // each run along the innermost axis by itself: oneDNN
    Either       // both kinds of pair: what is right for these is right everywhere
};

/// The pairs of every row of a weight of that shape, in the order kernels meet them: elements 2i and 2i + 1 of the walk that goes along the innermost
/// axis fastest and over the other axes row-major. None of single products.
std::vector<CodePair> summed_pairs(const Shape& weight, const SummationOrder& order, PairPacking packing = PairPacking::Either);

/// Where the elements of channel 0's row lie in the row-major weight; those of channel c lie c * stride of the channel axis further.
std::vector<std::int64_t> row_offsets(const Shape& weight, int channel_axis);

/// The two products of VPMADDUBSW: a and b unsigned activation codes, p and q signed weight codes, added with saturation to [-32768, 32767].
constexpr std::int32_t saturating_pair_sum(std::int32_t a, std::int32_t p, std::int32_t b, std::int32_t q) {
    const std::int32_t sum = a * p + b * q;
    return sum > 32767 ? 32767 : (sum < -32768 ? -32768 : sum);
}

constexpr std::int32_t kLargestActivationCode = 255;

/// The greatest |p + q| of two codes of one sign that never saturates with activation codes up to `largest`: 32767 / largest, 128 for 255.
/// Codes of different sign never do. Exact: |p + q| beyond it saturates when both activations are the largest.
constexpr int pair_limit(std::int32_t largest = kLargestActivationCode) { return largest <= 0 ? 256 : 32767 / largest; }

/// |p + q| where both have one sign; otherwise the greater magnitude, which is all that can add up.
int pair_magnitude(std::int8_t p, std::int8_t q);

/// Whether no pair of the row can saturate.
bool pairs_fit(std::span<const std::int8_t> row, std::span<const CodePair> pairs, int limit = pair_limit());
/// The greatest pair_magnitude() of the row; 0 without a pair.
int worst_pair(std::span<const std::int8_t> row, std::span<const CodePair> pairs);

/// Lowers codes until every pair fits, so that the squared error against `wanted` (the weights in units of the scale, not rounded) rises least. `energy`
/// weighs the errors, one entry a position (the mean square of the activation that the weight multiplies); empty: all alike. Codes only move towards
/// zero. Returns how many codes changed.
std::size_t limit_pairs(std::span<std::int8_t> row, std::span<const float> wanted, std::span<const CodePair> pairs,
                        int limit = pair_limit(), std::span<const float> energy = {});

/// The codes that fit beside `partner` in one pair.
QuantRange code_range_beside(std::int8_t partner, int limit = pair_limit());

/// Looks for the scale, at least `scale`, with the least expected squared error when codes are rounded and then limited. A greater scale rounds all weights
/// more coarsely, E = energy * scale^2 / 12 each; a smaller one cuts more off the pairs that do not fit. Both are quadratic in the scale, so the sum has
/// one minimum, which is found exactly. Rows that share the scale are added one after the other.
class PairScaleSearch {
public:
    explicit PairScaleSearch(float scale, int limit = pair_limit()) : unit_(static_cast<double>(scale)), bound_(limit) {}
    /// `row` holds real weights.
    void add(std::span<const float> row, std::span<const CodePair> pairs, std::span<const float> energy = {});
    /// The given scale when all pairs fit.
    float best() const;

private:
    /// A pair whose weights exceed the limit at the smallest scale, in units of that scale.
    struct Excess {
        double sum = 0.0;     // |w1| + |w2|
        double weight = 0.0;  // of the squared excess: e1 e2 / (e1 + e2)
    };
    double unit_;
    double bound_;
    double energy_ = 0.0;  // of all weights
    std::vector<Excess> excesses_;
};

}  // namespace mcompress
