// What a process that is ended from outside, or by want of memory, must not leave behind.
#pragma once

#include <filesystem>

namespace mcompress {

/// Call first in main, before any other thread is there: SIGINT, SIGTERM and SIGHUP are from then on taken by a thread of their own, which removes what is unfinished and ends
/// the process by the same signal, so that the caller sees 128 + its number. A signal that was ignored when the process began (nohup) stays ignored.
void end_cleanly_on_signals();

/// Call first in main as well: where memory runs out in code that cannot throw (a destructor, what a library declares noexcept), what is unfinished is removed and the process ends
/// with the exit code of `say`, which tells the user and must not take memory.
void end_cleanly_without_memory(int (*say)() noexcept);

/// Removes what is unfinished, writes `text` to standard error and ends the process.
[[noreturn]] void end_unfinished(const char* text, int exit_code) noexcept;

/// Ends the process as out of memory at once.
[[noreturn]] void end_without_memory() noexcept;

/// The signals of end_cleanly_on_signals() reach a program started by this one again; between fork and exec.
void restore_signals();

/// A file or folder that is unfinished as long as the object lives.
class Unfinished {
public:
    explicit Unfinished(std::filesystem::path path);
    ~Unfinished();
    Unfinished(const Unfinished&) = delete;
    Unfinished& operator=(const Unfinished&) = delete;

private:
    std::filesystem::path path_;
};

}  // namespace mcompress
