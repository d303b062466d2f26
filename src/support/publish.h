// Files that are finished: they come to where they belong, and whoever ends the process knows of them.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace mcompress {

/// Moves a finished file to where it belongs, as rename() does. Whoever ends the process finds that done, and counted as written, or not begun. 0, or what went
/// wrong (errno).
int publish(const std::filesystem::path& finished, const std::filesystem::path& target) noexcept;

/// What is to be said, given the files that were published and are still there.
using SayWritten = std::function<std::string(const std::vector<std::filesystem::path>& written)>;

/// Removes what is unfinished, writes what `say` makes of it to standard error and ends the process.
[[noreturn]] void end_unfinished(const SayWritten& say, int exit_code) noexcept;

}  // namespace mcompress
