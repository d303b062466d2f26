#include "quant/saturation.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "support/check.h"

namespace mcompress {
namespace {

/// Calls visit(position in the row) along the kernel's walk.
template <typename Visit> void walk_row(const Shape& shape, const SummationOrder& order, Visit&& visit) {
    std::vector<std::int64_t> extents, strides;  // of the axes of a row, the innermost last
    const auto add_axis = [&](int axis) {
        std::int64_t stride = 1;
        for (int later = axis + 1; later < shape.rank(); ++later)
            if (later != order.channel_axis) stride *= shape[later];
        extents.push_back(shape[axis]);
        strides.push_back(stride);
    };
    for (int axis = 0; axis < shape.rank(); ++axis)
        if (axis != order.channel_axis && axis != order.innermost_axis) add_axis(axis);
    add_axis(order.innermost_axis);

    std::int64_t count = 1;
    for (const std::int64_t extent : extents) count *= extent;
    std::vector<std::int64_t> index(extents.size(), 0);
    std::int64_t position = 0;
    for (std::int64_t step = 0; step < count; ++step) {
        visit(step, index.back(), static_cast<std::int32_t>(position));
        for (std::size_t at = extents.size(); at-- > 0;) {
            position += strides[at];
            if (++index[at] < extents[at]) break;
            position -= strides[at] * index[at];
            index[at] = 0;
        }
    }
}

double energy_at(std::span<const float> energy, std::int32_t position) {
    return energy.empty() ? 1.0 : static_cast<double>(energy[static_cast<std::size_t>(position)]);
}

/// The share of a pair's excess that its first code takes: the one that weighs less takes more.
double first_share(double first_energy, double second_energy) {
    const double sum = first_energy + second_energy;
    return sum > 0.0 ? second_energy / sum : 0.5;
}

}  // namespace

std::vector<CodePair> summed_pairs(const Shape& weight, const SummationOrder& order, PairPacking packing) {
    std::vector<CodePair> pairs;
    if (weight.element_count() == 0 || order.products == SummationOrder::Products::Single) return pairs;
    const bool continuous = packing != PairPacking::Padded, padded = packing != PairPacking::Continuous;
    std::int32_t previous = 0;
    walk_row(weight, order, [&](std::int64_t step, std::int64_t inner, std::int32_t position) {
        if ((continuous && step % 2 == 1) || (padded && inner % 2 == 1)) pairs.push_back({previous, position});
        previous = position;
    });
    return pairs;
}

std::vector<std::int64_t> row_offsets(const Shape& weight, int channel_axis) {
    const std::int64_t inner = weight.product(channel_axis + 1, weight.rank());
    const std::int64_t outer = weight.product(0, channel_axis);
    std::vector<std::int64_t> offsets;
    offsets.reserve(static_cast<std::size_t>(inner * outer));
    for (std::int64_t o = 0; o < outer; ++o)
        for (std::int64_t i = 0; i < inner; ++i) offsets.push_back(o * inner * weight[channel_axis] + i);
    return offsets;
}

int pair_magnitude(std::int8_t p, std::int8_t q) {
    const int a = p, b = q;
    return (a < 0) == (b < 0) ? std::abs(a + b) : std::max(std::abs(a), std::abs(b));
}

bool pairs_fit(std::span<const std::int8_t> row, std::span<const CodePair> pairs, int limit) { return worst_pair(row, pairs) <= limit; }

int worst_pair(std::span<const std::int8_t> row, std::span<const CodePair> pairs) {
    int worst = 0;
    for (const CodePair& pair : pairs)
        worst = std::max(worst, pair_magnitude(row[static_cast<std::size_t>(pair.first)], row[static_cast<std::size_t>(pair.second)]));
    return worst;
}

std::size_t limit_pairs(std::span<std::int8_t> row, std::span<const float> wanted, std::span<const CodePair> pairs, int limit,
                        std::span<const float> energy) {
    MCOMPRESS_CHECK(wanted.size() == row.size() && (energy.empty() || energy.size() == row.size()));
    std::size_t changed = 0;
    for (const CodePair& pair : pairs) {
        std::int8_t& first = row[static_cast<std::size_t>(pair.first)];
        std::int8_t& second = row[static_cast<std::size_t>(pair.second)];
        if (pair_magnitude(first, second) <= limit) continue;
        // Magnitudes only fall, so what was mended before stays mended.
        const int sign = first != 0 ? (first < 0 ? -1 : 1) : (second < 0 ? -1 : 1);
        const int p = std::abs(static_cast<int>(first)), q = std::abs(static_cast<int>(second));
        const double w = sign * static_cast<double>(wanted[static_cast<std::size_t>(pair.first)]);
        const double v = sign * static_cast<double>(wanted[static_cast<std::size_t>(pair.second)]);
        const double share = first_share(energy_at(energy, pair.first), energy_at(energy, pair.second));
        const double best = std::nearbyint(w - (w + v - limit) * share);
        const int lowest = std::max(0, limit - q), highest = std::min(p, limit);
        const int kept = static_cast<int>(std::clamp(best, static_cast<double>(lowest), static_cast<double>(highest)));
        changed += (kept != p ? 1 : 0) + (limit - kept != q ? 1 : 0);
        first = static_cast<std::int8_t>(sign * kept);
        second = static_cast<std::int8_t>(sign * (limit - kept));
    }
    return changed;
}

QuantRange code_range_beside(std::int8_t partner, int limit) {
    const int room = limit - std::abs(static_cast<int>(partner));
    QuantRange range{-127, 127};
    if (partner > 0) range.max = std::clamp(room, 0, 127);
    if (partner < 0) range.min = std::clamp(-room, -127, 0);
    return range;
}

void PairScaleSearch::add(std::span<const float> row, std::span<const CodePair> pairs, std::span<const float> energy) {
    for (const CodePair& pair : pairs) {
        const double w = static_cast<double>(row[static_cast<std::size_t>(pair.first)]) / unit_;
        const double v = static_cast<double>(row[static_cast<std::size_t>(pair.second)]) / unit_;
        if ((w < 0.0) != (v < 0.0) || std::fabs(w + v) <= bound_) continue;
        const double e = energy_at(energy, pair.first), f = energy_at(energy, pair.second);
        excesses_.push_back({std::fabs(w + v), e + f > 0.0 ? e * f / (e + f) : 0.0});
    }
    if (energy.empty()) energy_ += static_cast<double>(row.size());
    for (const float each : energy) energy_ += static_cast<double>(each);
}

float PairScaleSearch::best() const {
    if (excesses_.empty() || energy_ <= 0.0) return static_cast<float>(unit_);
    std::vector<Excess> worst_first = excesses_;
    std::sort(worst_first.begin(), worst_first.end(), [](const Excess& a, const Excess& b) { return a.sum > b.sum; });

    // With r = scale / unit: E(r) = energy r^2 / 12 + sum of weight (sum - bound r)^2 over the pairs with sum > bound r. E is convex; between the points
    // where a pair begins to fit its derivative is linear, so the zero is looked for from the worst pair down.
    double moment = 0.0, mass = 0.0, factor = 1.0;
    for (std::size_t at = 0; at < worst_first.size(); ++at) {
        moment += worst_first[at].weight * worst_first[at].sum;
        mass += worst_first[at].weight;
        const double next = at + 1 < worst_first.size() ? worst_first[at + 1].sum / bound_ : 1.0;
        factor = 2.0 * bound_ * moment / (energy_ / 6.0 + 2.0 * bound_ * bound_ * mass);
        if (factor >= next) break;
    }
    return static_cast<float>(unit_ * std::max(1.0, factor));
}

}  // namespace mcompress
