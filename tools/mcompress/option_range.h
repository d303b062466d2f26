// Numbers between two bounds, checked in words that are the same with every version of CLI11.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <type_traits>

#include "support/format.h"

namespace mcompress {

/// The bounds belong to it.
template <typename Number> CLI::Validator in_range(Number least, Number most) {
    constexpr const char* kKind = std::is_integral_v<Number> ? "INT" : "FLOAT";
    return {[=](std::string& text) {
                Number value{};
                const bool is_number = CLI::detail::lexical_cast(text, value);
                return is_number && value >= least && value <= most ? std::string()
                                                                    : format("{} is not between {} and {}", text, least, most);
            },
            format("{} in [{} - {}]", kKind, least, most)};
}

}  // namespace mcompress
