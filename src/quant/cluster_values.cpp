#include "quant/cluster_values.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "support/check.h"

namespace mcompress {

namespace {

constexpr std::size_t kBins = 8192;
constexpr std::size_t kMostValues = std::size_t{1} << 22;
constexpr int kMostIterations = 100;

/// Numbers in ascending order (or, on the negative side of a pinned zero, their distances from it), with running sums.
struct Sorted {
    std::vector<double> at;
    std::vector<double> weight, sum, squares;  // of the first i numbers

    std::size_t size() const { return at.size(); }

    /// Σ w (x − mean)² of the numbers [from, to).
    double cost(std::size_t from, std::size_t to) const {
        const double w = weight[to] - weight[from], s = sum[to] - sum[from];
        return w > 0.0 ? std::max(0.0, squares[to] - squares[from] - s * s / w) : 0.0;
    }
    double mean(std::size_t from, std::size_t to) const {
        const double w = weight[to] - weight[from];
        return w > 0.0 ? std::clamp((sum[to] - sum[from]) / w, at[from], at[to - 1]) : at[from];
    }
};

struct Point {
    double at;
    double weight;
    double squares;  // Σ w x², which in a bin is more than weight · at²
};

Sorted accumulate(std::span<const Point> points) {
    Sorted result;
    const std::size_t count = points.size();
    result.at.reserve(count);
    for (auto* sums : {&result.weight, &result.sum, &result.squares}) sums->assign(count + 1, 0.0);
    for (std::size_t i = 0; i < count; ++i) {
        result.at.push_back(points[i].at);
        result.weight[i + 1] = result.weight[i] + points[i].weight;
        result.sum[i + 1] = result.sum[i] + points[i].weight * points[i].at;
        result.squares[i + 1] = result.squares[i] + points[i].squares;
    }
    return result;
}

/// Distinct values with their weights, ascending.
std::vector<Point> sort_points(std::span<const float> values, std::span<const float> weights) {
    // An odd stride visits the columns of a matrix alike.
    const std::size_t stride = values.size() <= kMostValues ? 1 : (values.size() / kMostValues + 1) | 1;
    std::vector<Point> points;
    points.reserve(values.size() / stride + 1);
    for (std::size_t i = 0; i < values.size(); i += stride) {
        const double x = values[i] == 0.0F ? 0.0 : static_cast<double>(values[i]),
                     w = weights.empty() ? 1.0 : static_cast<double>(weights[i]);
        points.push_back({x, w, w * x * x});
    }
    std::sort(points.begin(), points.end(),
              [](const Point& a, const Point& b) { return a.at != b.at ? a.at < b.at : a.weight < b.weight; });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (kept > 0 && points[kept - 1].at == points[i].at) {
            points[kept - 1].weight += points[i].weight;
            points[kept - 1].squares += points[i].squares;
        } else {
            points[kept++] = points[i];
        }
    }
    points.resize(kept);
    return points;
}

/// Neighbours put together: half of the edges are evenly spaced in value, half in rank, so that neither a crowd nor an outlier shares a bin with much else.
std::vector<Point> put_in_bins(std::span<const Point> points) {
    if (points.size() <= kBins) return {points.begin(), points.end()};
    const double low = points.front().at, width = (points.back().at - low) / (kBins / 2);
    const std::size_t each = points.size() / (kBins / 2) + 1;
    std::vector<Point> bins;
    std::size_t last_step = 0;
    double sum = 0.0;
    for (std::size_t i = 0; i < points.size(); ++i) {
        const auto step = static_cast<std::size_t>((points[i].at - low) / width);
        if (i % each == 0 || step != last_step) {
            bins.push_back({points[i].at, 0.0, 0.0});
            sum = 0.0;
        }
        last_step = step;
        Point& bin = bins.back();
        bin.weight += points[i].weight;
        bin.squares += points[i].squares;
        sum += points[i].weight * points[i].at;
        if (bin.weight > 0.0) bin.at = sum / bin.weight;
    }
    return bins;
}

/// Least cost of splitting the first j numbers into 1, 2, … intervals, layer by layer, with where the last interval begins.
class Layers {
public:
    Layers(const Sorted& sorted, int most) : sorted_(sorted) {
        const std::size_t size = sorted.size() + 1;
        best_.assign(size, 0.0);
        for (std::size_t j = 0; j < size; ++j) best_[j] = sorted.cost(0, j);
        begins_.emplace_back(size, 0);
        record();
        for (int layer = 1; layer < most; ++layer) add_layer();
    }

    std::size_t count() const { return begins_.size(); }
    /// Least cost of all numbers in `layers` intervals, and of those behind the last interval standing for 0.
    double cost_of_all(std::size_t layers) const { return all_[layers - 1]; }
    double cost_beside_zero(std::size_t layers) const { return beside_zero_[layers - 1].first; }
    std::size_t end_beside_zero(std::size_t layers) const { return beside_zero_[layers - 1].second; }

    /// Where the intervals begin when the first `end` numbers are split into `layers`.
    std::vector<std::size_t> cuts(std::size_t layers, std::size_t end) const {
        std::vector<std::size_t> result(layers);
        for (std::size_t layer = layers; layer-- > 0;) result[layer] = end = begins_[layer][end];
        return result;
    }

private:
    void record() {
        const std::size_t size = sorted_.size();
        all_.push_back(best_[size]);
        std::pair<double, std::size_t> least{std::numeric_limits<double>::infinity(), 0};
        for (std::size_t j = 0; j <= size; ++j) {
            const double cost = best_[j] + sorted_.squares[size] - sorted_.squares[j];
            if (cost < least.first) least = {cost, j};
        }
        beside_zero_.push_back(least);
    }

    void add_layer() {
        next_.assign(best_.size(), 0.0);
        begins_.emplace_back(best_.size(), 0);
        fill(0, best_.size(), 0, best_.size() - 1);
        best_.swap(next_);
        record();
    }

    /// Of the ends [from, to), whose last interval begins in [first, last].
    void fill(std::size_t from, std::size_t to, std::size_t first, std::size_t last) {
        if (from >= to) return;
        const std::size_t end = from + (to - from) / 2;
        double least = std::numeric_limits<double>::infinity();
        std::size_t where = first;
        for (std::size_t begin = first; begin <= std::min(last, end); ++begin) {
            const double cost = best_[begin] + sorted_.cost(begin, end);
            if (cost < least) least = cost, where = begin;
        }
        next_[end] = least;
        begins_.back()[end] = static_cast<std::uint16_t>(where);
        fill(from, end, first, where);
        fill(end + 1, to, where, last);
    }

    const Sorted& sorted_;
    std::vector<double> best_, next_;
    std::vector<std::vector<std::uint16_t>> begins_;
    std::vector<double> all_;
    std::vector<std::pair<double, std::size_t>> beside_zero_;
};

std::vector<double> means(const Sorted& sorted, std::span<const std::size_t> cuts, std::size_t end) {
    std::vector<double> levels;
    for (std::size_t i = 0; i < cuts.size(); ++i) {
        const std::size_t next = i + 1 < cuts.size() ? cuts[i + 1] : end;
        if (cuts[i] < next) levels.push_back(sorted.mean(cuts[i], next));
    }
    return levels;
}

std::vector<double> free_levels(std::span<const Point> points, int count) {
    const Sorted sorted = accumulate(points);
    const Layers layers(sorted, std::min(count, static_cast<int>(std::min<std::size_t>(points.size(), 256))));
    return means(sorted, layers.cuts(layers.count(), sorted.size()), sorted.size());
}

/// One side of zero by distance from it, the farthest first (as negative numbers, so that they ascend).
std::vector<Point> side(std::span<const Point> points, double sign) {
    std::vector<Point> result;
    for (Point point : points)
        if (point.at * sign > 0.0) {
            point.at = -std::abs(point.at);
            result.push_back(point);
        }
    if (sign > 0.0) std::reverse(result.begin(), result.end());
    return result;
}

/// Levels on both sides of a level at 0, which takes what lies between the innermost intervals.
std::vector<double> pinned_levels(std::span<const Point> points, int count) {
    constexpr std::array<double, 2> kSigns{-1.0, 1.0};
    std::vector<Sorted> sorted;
    std::vector<Layers> layers;
    sorted.reserve(2);
    for (const double sign : kSigns) sorted.push_back(accumulate(side(points, sign)));
    for (const Sorted& each : sorted) layers.emplace_back(each, std::max(1, std::min(count - 1, static_cast<int>(each.size()))));
    const auto cost = [&](std::size_t which, std::size_t taken) {
        return taken == 0 ? sorted[which].squares.back() : layers[which].cost_beside_zero(taken);
    };
    const auto budget = static_cast<std::size_t>(count - 1);
    std::array<std::size_t, 2> taken{};
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t left = 0; left <= std::min(budget, layers[0].count()); ++left) {
        const std::size_t right = std::min(budget - left, layers[1].count());
        const double total = cost(0, left) + cost(1, right);
        if (total < least) least = total, taken = {left, right};
    }
    std::vector<double> levels{0.0};
    for (std::size_t which = 0; which < 2; ++which) {
        if (taken[which] == 0) continue;
        const std::size_t end = layers[which].end_beside_zero(taken[which]);
        for (const double level : means(sorted[which], layers[which].cuts(taken[which], end), end))
            levels.push_back(-kSigns[which] * level);
    }
    std::sort(levels.begin(), levels.end());
    levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
    return levels;
}

/// Lloyd's iteration: every level moves to the mean of what is nearest to it.
void refine(const Sorted& sorted, ZeroLevel zero, std::vector<double>& levels) {
    double before = std::numeric_limits<double>::infinity();
    for (int round = 0; round < kMostIterations; ++round) {
        std::size_t from = 0;
        double cost = 0.0;
        for (std::size_t k = 0; k < levels.size(); ++k) {
            const double edge = k + 1 < levels.size() ? (levels[k] + levels[k + 1]) / 2.0 : std::numeric_limits<double>::infinity();
            const auto to = static_cast<std::size_t>(
                std::upper_bound(sorted.at.begin() + static_cast<std::ptrdiff_t>(from), sorted.at.end(), edge) - sorted.at.begin());
            const bool stays = zero == ZeroLevel::Pinned && levels[k] == 0.0;
            if (stays) cost += sorted.squares[to] - sorted.squares[from];
            else cost += sorted.cost(from, to);
            if (!stays && to > from) levels[k] = sorted.mean(from, to);
            from = to;
        }
        if (!(cost < before * (1.0 - 1e-9))) return;
        before = cost;
    }
}

}  // namespace

std::vector<double> cluster_values(std::span<const float> values, std::span<const float> weights, int count, ZeroLevel zero) {
    MCOMPRESS_CHECK(count >= 1 && count <= 256 && (weights.empty() || weights.size() == values.size()));
    const std::vector<Point> points = sort_points(values, weights);
    if (points.empty()) return {0.0};
    const std::vector<Point> bins = put_in_bins(points);
    std::vector<double> levels = zero == ZeroLevel::Pinned ? pinned_levels(bins, count) : free_levels(bins, count);
    if (bins.size() < points.size()) refine(accumulate(points), zero, levels);
    return levels;
}

std::vector<std::uint8_t> nearest_levels(std::span<const float> values, std::span<const double> levels) {
    MCOMPRESS_CHECK(!levels.empty() && levels.size() <= 256);
    std::vector<std::uint8_t> result;
    result.reserve(values.size());
    for (const float value : values) {
        const auto above = std::lower_bound(levels.begin(), levels.end(), static_cast<double>(value));
        auto index = static_cast<std::size_t>(above - levels.begin());
        if (index == levels.size() || (index > 0 && value - levels[index - 1] <= levels[index] - value)) --index;
        result.push_back(static_cast<std::uint8_t>(index));
    }
    return result;
}

}  // namespace mcompress
