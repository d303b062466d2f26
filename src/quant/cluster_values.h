// The few levels that stand best for many numbers: one-dimensional k-means.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace mcompress {

/// Free: levels lie where they serve best. Pinned: one of them is exactly 0, so that zeros stay zeros.
enum class ZeroLevel { Free, Pinned };

/// At most `count` (1 to 256) ascending levels with the least sum of weight · (value − nearest level)². `weights` is empty (all 1) or holds a number ≥ 0 a
/// value. All numbers must be finite; at least one level is returned.
///
/// Exact up to 8192 distinct values: dynamic programming over the sorted values (Wu, "Optimal quantization by matrix searching", 1991; an interval costs
/// its variance, best cuts are monotone, so that divide and conquer finds a layer in n log n). Beyond, values first fall into 8192 bins whose edges are evenly spaced in
/// value and in rank, and Lloyd's iteration on the values themselves removes what the bins cost. Of more than 4,194,304 values evenly spaced ones decide.
std::vector<double> cluster_values(std::span<const float> values, std::span<const float> weights, int count, ZeroLevel zero);

/// Index of the level nearest to each value, the lower of two equally near. `levels` ascend, at most 256.
std::vector<std::uint8_t> nearest_levels(std::span<const float> values, std::span<const double> levels);

}  // namespace mcompress
