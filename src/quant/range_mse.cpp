// The range of least expected squared error: every bin's centre against the code it gets, clipped or rounded. Both ends are searched in turn over
// 100 shares of what was seen, until neither moves.
#include <array>
#include <cmath>

#include "quant/magnitude_histogram.h"
#include "quant/range_method.h"

namespace mcompress {

namespace {

constexpr int kLevels = 255;

/// Sums of 1, x and x^2 over the bins of one side up to each bin: the error against any one code in three terms.
class Moments {
public:
    Moments(std::span<const std::uint64_t> counts, double width) : width_(width), sums_(1) {
        for (std::size_t bin = 0; bin < counts.size(); ++bin) {
            const auto count = static_cast<double>(counts[bin]);
            const double x = (static_cast<double>(bin) + 0.5) * width;
            const Sums& before = sums_.back();
            sums_.push_back({before[0] + count, before[1] + count * x, before[2] + count * x * x});
        }
    }

    /// Of all magnitudes against the codes 0, step, 2 step, … up to `limit` (a multiple of step).
    double error(double step, double limit) const {
        const auto codes = static_cast<int>(std::lround(limit / step));
        double sum = 0.0;
        std::size_t begin = 0;
        for (int code = 0; code <= codes; ++code) {
            const std::size_t end = code == codes ? sums_.size() - 1 : bin_of((code + 0.5) * step);
            sum += against(code * step, begin, end);
            begin = end;
        }
        return sum;
    }

private:
    using Sums = std::array<double, 3>;

    /// The first bin whose centre lies at or beyond x.
    std::size_t bin_of(double x) const {
        const double bin = std::ceil(x / width_ - 0.5);
        return bin >= static_cast<double>(sums_.size() - 1) ? sums_.size() - 1 : static_cast<std::size_t>(std::fmax(bin, 0.0));
    }
    double against(double value, std::size_t begin, std::size_t end) const {
        const Sums &a = sums_[begin], &b = sums_[end];
        return (b[2] - a[2]) - 2.0 * value * (b[1] - a[1]) + value * value * (b[0] - a[0]);
    }

    double width_;
    std::vector<Sums> sums_;
};

class Search {
public:
    explicit Search(const TensorStatistics& statistics)
        : low_(std::fmin(statistics.min, 0.0f)),
          high_(std::fmax(statistics.max, 0.0f)),
          below_(statistics.histogram.negative(), statistics.histogram.bin_width()),
          above_(statistics.histogram.positive(), statistics.histogram.bin_width()) {}

    ValueRange run() {
        double least = error();
        for (bool moved = true; moved;) {
            moved = low_ < 0.0 && improve(low_share_, least);
            moved = (high_ > 0.0 && improve(high_share_, least)) || moved;
        }
        return {static_cast<float>(low_ * low_share_), static_cast<float>(high_ * high_share_)};
    }

private:
    double error() const {
        const double low = low_ * low_share_, high = high_ * high_share_;
        const double step = (high - low) / kLevels;
        const double zero = std::nearbyint(-low / step);  // the grid the codes will lie on
        return below_.error(step, zero * step) + above_.error(step, (kLevels - zero) * step);
    }

    /// Tries every share of one end; wider ends win ties.
    bool improve(double& share, double& least) {
        constexpr int kShares = 100;
        const double before = share;
        double best = before;
        for (int at = kShares; at >= 1; --at) {
            share = static_cast<double>(at) / kShares;
            const double found = error();
            if (found >= least) continue;
            least = found;
            best = share;
        }
        share = best;
        return best != before;
    }

    double low_, high_;
    double low_share_ = 1.0, high_share_ = 1.0;
    Moments below_, above_;
};

}  // namespace

ValueRange choose_mse(const TensorStatistics& statistics) {
    if (statistics.histogram.empty()) return choose_min_max(statistics);
    return Search(statistics).run();
}

}  // namespace mcompress
