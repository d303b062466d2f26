// The table of range methods.
#include "quant/range_method.h"

#include "support/error.h"
#include "support/plain_text.h"

namespace mcompress {

namespace {

template <ValueRange (*kChoose)(const TensorStatistics&)> ValueRange without_parameter(const TensorStatistics& statistics, double) {
    return kChoose(statistics);
}

constexpr RangeMethod kMethods[] = {
    {"auto", "value by value what costs the model's outputs least on samples; least-error with effort fast or a stored table",
     without_parameter<choose_least_error>},
    {"mean-min-max", "mean over the samples of each sample's minimum and maximum: a rare outlier does not widen the range",
     without_parameter<choose_mean_min_max>},
    {"least-error", "between min-max and mean-min-max, where the expected squared error of the codes is smallest",
     without_parameter<choose_least_error>},
    {"min-max", "smallest and largest value ever seen: nothing seen in calibration is clipped", without_parameter<choose_min_max>},
    {"percentile", "all but the outermost values, 99.99 percent unless another share follows a colon", choose_percentile, 99.99, 50.0,
     100.0},
    {"entropy", "the clipped distribution that diverges least from the whole one (Kullback-Leibler)", without_parameter<choose_entropy>},
    {"mse", "the least expected squared error of the codes, each end on its own", without_parameter<choose_mse>},
    {"octav", "the least expected squared error by Newton's iteration on the magnitude", without_parameter<choose_octav>},
    {"moving-average", "a moving average of each sample's minimum and maximum, its mean over all orders of the samples",
     without_parameter<choose_moving_average>},
};

double parse_parameter(const RangeMethod& method, std::string_view text) {
    if (method.least == method.most)
        throw Error(codes::kUsage, format("range method '{}' takes no parameter", method.name), format("leave ':{}' out", text));
    const auto value = read_number<double>(text);
    if (!value || !(*value >= method.least && *value <= method.most))
        throw Error(codes::kUsage, format("'{}' is no parameter of range method '{}'", text, method.name),
                    format("a number from {:g} to {:g}, as in {}:{:g}", method.least, method.most, method.name, method.parameter));
    return *value;
}

}  // namespace

std::span<const RangeMethod> all_range_methods() { return kMethods; }

ChosenRangeMethod find_range_method(std::string_view text) {
    const std::size_t colon = text.find(':');
    const std::string_view name = text.substr(0, colon);
    std::string known;
    for (const RangeMethod& method : kMethods) {
        if (method.name == name)
            return {&method, colon == std::string_view::npos ? method.parameter : parse_parameter(method, text.substr(colon + 1))};
        known += (known.empty() ? "" : ", ") + std::string(method.name);
    }
    throw Error(codes::kUsage, format("there is no range method '{}'", name), "use one of: " + known);
}

}  // namespace mcompress
