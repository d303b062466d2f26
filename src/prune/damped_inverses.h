// (A + G)^-1 of a layer's moments: the same for every mask and every target.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace mcompress {

/// Keeps the last one that was asked for. Safe to read from several threads.
class DampedInverses {
public:
    /// For moments A [inputs, inputs], the same ones at every call; symmetric. Null where there is none.
    std::shared_ptr<const std::vector<double>> of(std::span<const double> moments, std::size_t inputs, double damping, int threads);

private:
    std::mutex mutex_;
    double damping_ = 0.0;
    bool is_known_ = false;
    std::shared_ptr<const std::vector<double>> inverse_;
};

}  // namespace mcompress
