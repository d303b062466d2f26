#include "quant/range_method.h"

#include "support/error.h"

namespace mcompress {

namespace {

constexpr RangeMethod kMethods[] = {
    {"mean-min-max", "mean over the samples of each sample's minimum and maximum: a rare outlier does not widen the range",
     choose_mean_min_max},
    {"least-error", "between min-max and mean-min-max, where the expected squared error of the codes is smallest", choose_least_error},
    {"min-max", "smallest and largest value ever seen: nothing seen in calibration is clipped", choose_min_max},
};

}  // namespace

std::span<const RangeMethod> all_range_methods() { return kMethods; }

const RangeMethod& find_range_method(std::string_view name) {
    std::string known;
    for (const RangeMethod& method : kMethods) {
        if (method.name == name) return method;
        known += (known.empty() ? "" : ", ") + std::string(method.name);
    }
    throw Error(codes::kUsage, format("there is no range method '{}'", name), "use one of: " + known);
}

}  // namespace mcompress
