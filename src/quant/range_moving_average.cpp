// The order-free moving average of the samples' extremes.
#include "quant/range_method.h"

namespace mcompress {

ValueRange choose_moving_average(const TensorStatistics& statistics) { return choose_mean_min_max(statistics); }

}  // namespace mcompress
