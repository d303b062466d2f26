// Files that are mapped, and what becomes of the process when another one changes them meanwhile.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <filesystem>
#include <string>

namespace mcompress {

class Error;

/// `status` as the file was when it was opened. Whoever maps a file says so before it reads from it, and that it is over before it unmaps it.
void remember_mapping(const std::filesystem::path& path, const struct stat& status, const std::byte* data, std::size_t size);
void forget_mapping(const std::byte* data) noexcept;

/// Throws kFileChanged when a mapped file has another size or time of change than when it was opened. One that was replaced (renamed over, removed) still holds what it held.
void check_mapped_files();

/// Call in main, after end_cleanly_on_signals(): where reading a mapped file faults (SIGBUS), because it was cut off or its disk fails, what is unfinished is removed, `text_of` the
/// error is written to standard error, and the process ends with the exit code of its kind. Other faults do what they did before.
void end_cleanly_on_lost_files(std::string (*text_of)(const Error&));

}  // namespace mcompress
