// Moments of what goes into a layer, and the rows they are of.
#pragma once

#include <span>
#include <vector>

#include "tune/layer_samples.h"

namespace mcompress {

/// Whether moments are about the means, which a bias can take up, or about 0.
enum class Centering { AboutMeans, AboutZero };

/// Of one group.
struct InputMoments {
    std::int64_t count = 0;
    std::vector<float> rows;     // x, [count, inputs], less the means where moments are about these
    std::vector<double> mean;    // E[x]
    std::vector<double> energy;  // E[x^2] about 0
    std::vector<double> spread;  // the diagonal of products()

    /// A = E[x x^T] of the rows, [inputs, inputs].
    std::vector<double> products(int threads = 1) const;
    /// Whether that would be a large matrix of a rank that is small beside its size: then it is better left unformed.
    bool has_few_rows() const { return kFew * count <= static_cast<std::int64_t>(mean.size()); }

private:
    static constexpr std::int64_t kFew = 8;
};

/// Of rows of any width; of columns [begin, end) alone.
void subtract_means(std::span<const double> means, std::vector<float>& rows, int threads = 1);
void subtract_means(std::span<const double> means, std::size_t begin, std::size_t end, std::vector<float>& rows);

InputMoments input_moments(const Layer& layer, const LayerRows& rows, std::int64_t group, Centering centering, int threads = 1);

}  // namespace mcompress
