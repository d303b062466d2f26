// Progress of long work on standard error.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>

namespace mcompress {

/// On a terminal one line that is rewritten a few times a second, with the time left and the memory in use; elsewhere (a CI log) one line for each tenth.
class ProgressPrinter {
public:
    /// WhenLong: says nothing of what is over within two seconds (on a terminal: 0.2), which needs no progress.
    enum class Show { Always, WhenLong };
    explicit ProgressPrinter(std::string what, Show show = Show::Always);
    /// Ends the terminal's line, if one was begun.
    ~ProgressPrinter();
    ProgressPrinter(const ProgressPrinter&) = delete;
    ProgressPrinter& operator=(const ProgressPrinter&) = delete;

    /// May be called from several threads; `done` counts finished pieces.
    void update(std::size_t done, std::size_t total);

private:
    using Clock = std::chrono::steady_clock;
    std::mutex mutex_;
    std::string what_;
    bool on_terminal_;
    std::chrono::milliseconds silence_;
    bool line_open_ = false;
    std::size_t best_ = 0;
    std::size_t tenth_ = 0;
    Clock::time_point begin_ = Clock::now();
    Clock::time_point shown_ = {};
};

}  // namespace mcompress
