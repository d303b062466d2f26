// Integers of JSON files that users or tools may have changed.
#pragma once

#include <nlohmann/json.hpp>
#include <utility>

#include "support/error.h"

namespace mcompress {

/// The number as an Integer. The library's get<Integer>() takes 1.5 for 1, -1 for 2^64 - 1, and 2^64, which it reads as a float, for whatever the processor
/// makes of it. Throws kTableInvalid.
template <typename Integer> Integer integer_of(const nlohmann::ordered_json& json) {
    if (json.is_number_unsigned()) {
        const auto number = json.get<std::uint64_t>();
        if (std::in_range<Integer>(number)) return static_cast<Integer>(number);
    } else if (json.is_number_integer()) {
        const auto number = json.get<std::int64_t>();
        if (std::in_range<Integer>(number)) return static_cast<Integer>(number);
    }
    fail(codes::kTableInvalid, "{} is not an integer of {} bits{}", json.dump(), 8 * sizeof(Integer),
         std::is_signed_v<Integer> ? "" : " that is 0 or more");
}

/// A list of them.
template <typename Integer> std::vector<Integer> integers_of(const nlohmann::ordered_json& json) {
    if (!json.is_array()) fail(codes::kTableInvalid, "a list of integers is expected");
    std::vector<Integer> numbers;
    for (const auto& each : json) numbers.push_back(integer_of<Integer>(each));
    return numbers;
}

}  // namespace mcompress
