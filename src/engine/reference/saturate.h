// From a computed double to an element of any numeric type, without undefined conversions.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

namespace mcompress::reference {

/// Integers are cut off towards zero and kept within their range; NaN gives 0.
template <typename T> T saturate(double value) {
    if constexpr (std::is_floating_point_v<T>) {
        return static_cast<T>(value);
    } else {
        if (std::isnan(value)) return T{};
        // The bound above the largest number is exact in double, the number itself may not be.
        constexpr double kLow = static_cast<double>(std::numeric_limits<T>::lowest());
        const double high = std::nextafter(static_cast<double>(std::numeric_limits<T>::max() / 2 + 1) * 2.0, 0.0);
        return static_cast<T>(std::clamp(value, kLow, high));
    }
}

}  // namespace mcompress::reference
