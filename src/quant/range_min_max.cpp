#include "quant/range_method.h"

namespace mcompress {

ValueRange choose_min_max(const TensorStatistics& statistics) { return {statistics.min, statistics.max}; }

}  // namespace mcompress
