#include "tensor/compare.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "support/error.h"

namespace mcompress {

namespace {

/// Both finite, both NaN, or the same infinity.
bool same_kind(float a, float b) { return std::isfinite(a) ? std::isfinite(b) : (a == b || (std::isnan(a) && std::isnan(b))); }

constexpr std::size_t kLanes = 8;  // independent sums, added up in a fixed order

}  // namespace

void ErrorMeasure::add(std::span<const float> reference, std::span<const float> candidate) {
    if (reference.size() != candidate.size())
        fail(codes::kShapeInvalid, "arrays of {} and {} elements cannot be compared", reference.size(), candidate.size());
    std::array<double, kLanes> signals{};
    std::array<double, kLanes> noises{};
    std::array<double, kLanes> dots{};
    std::array<double, kLanes> energies{};
    for (std::size_t at = 0; at < reference.size(); ++at) {
        if (!std::isfinite(reference[at]) || !std::isfinite(candidate[at])) {
            if (same_kind(reference[at], candidate[at])) ++count;
            else ++not_finite;
            continue;
        }
        const double wanted = static_cast<double>(reference[at]);
        const double found = static_cast<double>(candidate[at]);
        const double difference = found - wanted;
        const std::size_t lane = at % kLanes;
        signals[lane] += wanted * wanted;
        noises[lane] += difference * difference;
        dots[lane] += wanted * found;
        energies[lane] += found * found;
        max_absolute = std::max(max_absolute, std::fabs(difference));
        max_reference = std::max(max_reference, std::fabs(wanted));
        ++count;
    }
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
        signal += signals[lane];
        noise += noises[lane];
        dot += dots[lane];
        candidate_energy += energies[lane];
    }
}

double ErrorMeasure::sqnr_db() const {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (not_finite > 0) return -kInfinity;
    if (noise == 0.0) return kInfinity;
    if (signal == 0.0) return -kInfinity;
    return 10.0 * std::log10(signal / noise);
}

double ErrorMeasure::cosine() const {
    if (not_finite > 0) return 0.0;
    if (signal == 0.0 || candidate_energy == 0.0) return signal == candidate_energy ? 1.0 : 0.0;
    if (noise == 0.0) return 1.0;
    return std::clamp(dot / (std::sqrt(signal) * std::sqrt(candidate_energy)), -1.0, 1.0);
}

double ErrorMeasure::relative_max() const {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (not_finite > 0) return kInfinity;
    if (max_absolute == 0.0) return 0.0;
    return max_reference == 0.0 ? kInfinity : max_absolute / max_reference;
}

std::size_t argmax(std::span<const float> values) {
    std::size_t best = 0;
    for (std::size_t at = 1; at < values.size(); ++at)
        if (values[at] > values[best] || (std::isnan(values[best]) && !std::isnan(values[at]))) best = at;
    return best;
}

}  // namespace mcompress
