#include "tune/range_contest.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mcompress {
namespace {

constexpr double kStandardErrors = 1.0;
constexpr double kNear = 0.95;  // of the wider one's width: nearer candidates tell nothing new

// In double: the widths of float ranges may be beyond float.
double width_of(const ValueRange& range) { return static_cast<double>(range.max) - static_cast<double>(range.min); }

double weighted_mean(const std::vector<RangeContest::Witness>& witnesses, const std::vector<double>& values) {
    double sum = 0.0, weights = 0.0;
    for (std::size_t at = 0; at < values.size(); ++at) {
        sum += witnesses[at].weight * values[at];
        weights += witnesses[at].weight;
    }
    return sum / weights;
}

}  // namespace

void RangeContest::choose_witnesses(const std::vector<ValueRange>& extremes, std::size_t count) {
    double low = 0.0, high = 0.0;
    for (const ValueRange& sample : extremes) {
        low += std::min(0.0, static_cast<double>(sample.min));
        high += std::max(0.0, static_cast<double>(sample.max));
    }
    const auto reach = [&](std::size_t sample) {  // against the mean sample, at the end where it lies farther out
        const double below = low < 0.0 ? static_cast<double>(extremes[sample].min) / low : 0.0;
        const double above = high > 0.0 ? static_cast<double>(extremes[sample].max) / high : 0.0;
        return std::max(below, above);
    };
    std::vector<std::size_t> order(extremes.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return reach(a) > reach(b); });
    const std::size_t all = order.size(), taken = std::min(count, all), outermost = taken == all ? all : (taken + 2) / 3;
    witnesses.clear();
    for (std::size_t at = 0; at < outermost; ++at) witnesses.push_back({order[at], 1.0});
    const std::size_t others = taken - outermost;
    for (std::size_t at = 0; at < others; ++at) {  // evenly along the order, so that every reach is there
        const std::size_t place = outermost + (2 * at + 1) * (all - outermost) / (2 * others);
        witnesses.push_back({order[place], static_cast<double>(all - outermost) / static_cast<double>(others)});
    }
}

double RangeContest::mean_noise(std::size_t candidate) const { return weighted_mean(witnesses, noise[candidate]); }

std::vector<std::size_t> RangeContest::wanted() const {
    std::vector<std::size_t> found;
    const auto want = [&](std::size_t at) {
        if (at < candidates.size() && noise[at].empty()) found.push_back(at);
    };
    want(best);
    if (!matters || noise[start].empty()) return found;
    if (best > 0) want(best - 1);
    want(best + 1);
    return found;
}

ValueRange RangeContest::part_of_the_way(float way) const {
    const ValueRange &from = candidates[start], &to = candidates[best];
    return {from.min + way * (to.min - from.min), from.max + way * (to.max - from.max)};
}

void RangeContest::settle() {
    for (std::size_t at = 0; at < candidates.size(); ++at)
        if (!noise[at].empty() && mean_noise(at) < mean_noise(best)) best = at;
}

bool RangeContest::refine() {
    if (!matters) return false;
    const auto insert_between = [&](std::size_t wide, std::size_t narrow) {
        const ValueRange &a = candidates[wide], &b = candidates[narrow];
        const ValueRange between{std::midpoint(a.min, b.min), std::midpoint(a.max, b.max)};
        // Of widths of a few of the smallest numbers the half may be one of the two again.
        if (width_of(b) > kNear * width_of(a) || !(width_of(between) < width_of(a)) || !(width_of(between) > width_of(b))) return false;
        candidates.insert(candidates.begin() + static_cast<std::ptrdiff_t>(narrow), between);
        noise.insert(noise.begin() + static_cast<std::ptrdiff_t>(narrow), std::vector<double>{});
        start += start >= narrow ? 1 : 0;
        best += best >= narrow ? 1 : 0;
        return true;
    };
    const bool narrower = best + 1 < candidates.size() && insert_between(best, best + 1);
    const bool wider = best > 0 && insert_between(best - 1, best);
    return narrower || wider;
}

bool RangeContest::is_certain() const {
    if (best == start || noise[best].size() < 2) return false;
    std::vector<double> gains;
    for (std::size_t at = 0; at < noise[best].size(); ++at) gains.push_back(noise[start][at] - noise[best][at]);
    const double gain = weighted_mean(witnesses, gains);
    double squares = 0.0, weights = 0.0;
    for (std::size_t at = 0; at < gains.size(); ++at) {
        const double off = witnesses[at].weight * (gains[at] - gain);
        squares += off * off;
        weights += witnesses[at].weight;
    }
    const auto count = static_cast<double>(gains.size());
    return gain > kStandardErrors * std::sqrt(squares * count / (count - 1.0)) / weights;
}

}  // namespace mcompress
