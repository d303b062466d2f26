#include "prune/damped_inverses.h"

#include "prune/damping_terms.h"
#include "tensor/linalg.h"

namespace mcompress {

std::shared_ptr<const std::vector<double>> DampedInverses::of(std::span<const double> moments, std::size_t inputs, double damping,
                                                              int threads) {
    const std::lock_guard lock(mutex_);
    if (is_known_ && damping_ == damping) return inverse_;
    inverse_.reset();
    damping_ = damping;
    is_known_ = true;
    const std::vector<double> terms = damping_terms_of(moments, inputs, damping);
    if (terms.empty()) return nullptr;
    auto inverse = std::make_shared<std::vector<double>>(moments.begin(), moments.end());
    for (std::size_t at = 0; at < inputs; ++at) (*inverse)[at * (inputs + 1)] += terms[at];
    if (linalg::invert_symmetric(*inverse, static_cast<std::int64_t>(inputs), threads) != linalg::Factorization::Done) return nullptr;
    return inverse_ = std::move(inverse);
}

}  // namespace mcompress
