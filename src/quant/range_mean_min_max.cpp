#include "quant/range_method.h"

namespace mcompress {

ValueRange choose_mean_min_max(const TensorStatistics& statistics) {
    if (statistics.samples == 0) return {};
    const double samples = static_cast<double>(statistics.samples);
    return {static_cast<float>(statistics.sum_of_minima.value() / samples), static_cast<float>(statistics.sum_of_maxima.value() / samples)};
}

}  // namespace mcompress
