// Text formatting, one name for the whole project (std::format is not in g++ 12).
#pragma once

#include <fmt/core.h>

namespace mcompress {

template <typename... Args> using FormatString = fmt::format_string<Args...>;

using fmt::format;

}  // namespace mcompress
