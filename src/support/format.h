// Text formatting, one name for the whole project (std::format is not in g++ 12).
#pragma once

#include <fmt/core.h>

#include <string>
#include <utility>

namespace mcompress {

template <typename... Args> using FormatString = fmt::format_string<Args...>;

/// fmt::format as an object: a function would be one of two, because std::string arguments bring std::format into the choice (C++20, g++ 13 and later).
struct FormatText {
    template <typename... Args> std::string operator()(fmt::format_string<Args...> text, Args&&... args) const {
        return fmt::format(text, std::forward<Args>(args)...);
    }
};
inline constexpr FormatText format;

}  // namespace mcompress
