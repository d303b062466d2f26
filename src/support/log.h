// Diagnostics for people, on standard error. Results never go through here.
#pragma once

#include <string_view>

#include "support/format.h"

namespace mcompress {

enum class LogLevel { Debug, Info, Warning, Error, Off };

void set_log_level(LogLevel level);
LogLevel log_level();
void log_message(LogLevel level, std::string_view text);

template <typename... Args> void log_debug(FormatString<Args...> text, Args&&... args) {
    if (log_level() <= LogLevel::Debug) log_message(LogLevel::Debug, format(text, std::forward<Args>(args)...));
}
template <typename... Args> void log_info(FormatString<Args...> text, Args&&... args) {
    if (log_level() <= LogLevel::Info) log_message(LogLevel::Info, format(text, std::forward<Args>(args)...));
}
template <typename... Args> void log_warning(FormatString<Args...> text, Args&&... args) {
    if (log_level() <= LogLevel::Warning) log_message(LogLevel::Warning, format(text, std::forward<Args>(args)...));
}

}  // namespace mcompress
