#include "prune/damping_terms.h"

#include <algorithm>
#include <cmath>

namespace mcompress {

std::vector<double> damping_terms(std::span<const double> diagonal, double damping) {
    constexpr double kLeastShare = 1e-4;
    double trace = 0.0;
    for (const double value : diagonal) trace += value;
    if (!std::isfinite(trace)) return {};
    const double least = kLeastShare * damping * trace / static_cast<double>(std::max<std::size_t>(1, diagonal.size()));
    std::vector<double> terms;
    for (const double value : diagonal) {
        const double term = damping * value + least;
        terms.push_back(value + term > 0.0 ? term : 1.0);
    }
    return terms;
}

std::vector<double> damping_terms_of(std::span<const double> matrix, std::size_t inputs, double damping) {
    std::vector<double> diagonal;
    for (std::size_t at = 0; at < inputs; ++at) diagonal.push_back(matrix[at * (inputs + 1)]);
    return damping_terms(diagonal, damping);
}

}  // namespace mcompress
