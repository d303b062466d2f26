#include "quant/row_rounding.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "quant/affine.h"
#include "quant/choose_params.h"
#include "support/check.h"

namespace mcompress {
namespace {

constexpr double kSquaredMean = 1.0 / (3.14159265358979323846 - 1.0);  // of the activations, over their variance

/// A code and how far what it stands for lies beyond it, in the direction that the row is to move.
struct Move {
    double gap;
    std::int32_t position;
    bool operator<(const Move& other) const { return gap != other.gap ? gap > other.gap : position < other.position; }
};

/// The other codes of each position's pairs: two at most.
class Partners {
public:
    Partners(std::size_t positions, std::span<const CodePair> pairs) {
        if (pairs.empty()) return;
        of_.resize(positions, {-1, -1});
        for (const CodePair& pair : pairs) {
            add(pair.first, pair.second);
            add(pair.second, pair.first);
        }
    }
    bool fit(std::span<const std::int8_t> row, std::int32_t position, std::int8_t code, int limit) const {
        if (of_.empty()) return true;
        const auto& partners = of_[static_cast<std::size_t>(position)];
        return std::all_of(partners.begin(), partners.end(), [&](std::int32_t partner) {
            return partner < 0 || pair_magnitude(code, row[static_cast<std::size_t>(partner)]) <= limit;
        });
    }

private:
    void add(std::int32_t position, std::int32_t partner) {
        auto& partners = of_[static_cast<std::size_t>(position)];
        if (partners[0] < 0) partners[0] = partner;
        else if (partners[0] != partner) partners[1] = partner;
    }
    std::vector<std::array<std::int32_t, 2>> of_;
};

}  // namespace

void balance_codes(std::span<std::int8_t> row, std::span<const float> wanted, std::span<const CodePair> pairs, int limit) {
    MCOMPRESS_CHECK(wanted.size() == row.size());
    double sum = 0.0;
    for (std::size_t at = 0; at < row.size(); ++at) sum += static_cast<double>(wanted[at]) - static_cast<double>(row[at]);
    const int direction = sum < 0.0 ? -1 : 1;
    double remaining = std::fabs(sum);
    if (!(kSquaredMean * (2.0 * remaining - 1.0) > 0.0)) return;

    std::vector<Move> moves;
    moves.reserve(row.size());
    for (std::size_t at = 0; at < row.size(); ++at)
        moves.push_back({direction * (static_cast<double>(wanted[at]) - static_cast<double>(row[at])), static_cast<std::int32_t>(at)});
    // Rarely more moves are needed than the sum of errors: order no more of them than that.
    const std::size_t likely = std::min(moves.size(), static_cast<std::size_t>(std::min(remaining, 1e9)) + 16);
    std::nth_element(moves.begin(), moves.begin() + static_cast<std::ptrdiff_t>(likely) - 1, moves.end());
    std::sort(moves.begin(), moves.begin() + static_cast<std::ptrdiff_t>(likely));
    const Partners partners(row.size(), pairs);
    for (std::size_t at = 0; at < moves.size(); ++at) {
        if (at == likely) std::sort(moves.begin() + static_cast<std::ptrdiff_t>(likely), moves.end());
        const Move& move = moves[at];
        if (kSquaredMean * (2.0 * remaining - 1.0) <= 1.0 - 2.0 * move.gap) break;
        if (wanted[static_cast<std::size_t>(move.position)] == 0.0f) continue;  // what was pruned stays pruned
        std::int8_t& code = row[static_cast<std::size_t>(move.position)];
        const int moved = code + direction;
        if (std::abs(moved) > 127 || !partners.fit(row, move.position, static_cast<std::int8_t>(moved), limit)) continue;
        code = static_cast<std::int8_t>(moved);
        remaining -= 1.0;
    }
}

std::vector<std::int8_t> round_row(std::span<const float> row, float scale, std::span<const CodePair> pairs, int limit) {
    const QuantRange range = symmetric_weight_range(DType::Int8);
    std::vector<float> wanted(row.begin(), row.end());
    std::vector<std::int8_t> codes(row.size());
    for (std::size_t at = 0; at < row.size(); ++at) {
        codes[at] = static_cast<std::int8_t>(quantize_value(row[at], scale, 0, range));
        wanted[at] /= scale;
    }
    if (!pairs.empty()) limit_pairs(codes, wanted, pairs, limit);
    balance_codes(codes, wanted, pairs, limit);
    return codes;
}

}  // namespace mcompress
