// What a signal that ends the process must not leave behind.
#pragma once

#include <filesystem>

namespace mcompress {

/// Call first in main, before any other thread is there: SIGINT, SIGTERM and SIGHUP are from then on taken by a thread of their own, which removes what is unfinished and ends
/// the process by the same signal, so that the caller sees 128 + its number. A signal that was ignored when the process began (nohup) stays ignored.
void end_cleanly_on_signals();

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
