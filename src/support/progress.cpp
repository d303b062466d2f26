#include "support/progress.h"

#include <unistd.h>

#include <cstdio>

#include "support/format.h"
#include "support/memory.h"

namespace mcompress {

namespace {

std::string clock_text(double seconds) {
    const auto whole = static_cast<long>(seconds + 0.5);
    return whole < 60 ? format("{} s", whole) : format("{} min {:02} s", whole / 60, whole % 60);
}

}  // namespace

ProgressPrinter::ProgressPrinter(std::string what, Show show)
    : what_(std::move(what)),
      on_terminal_(::isatty(STDERR_FILENO) == 1),
      silence_(show == Show::Always ? 0
               : on_terminal_       ? 200
                                    : 2000) {}

ProgressPrinter::~ProgressPrinter() {
    if (line_open_) std::fputc('\n', stderr);
}

void ProgressPrinter::update(std::size_t done, std::size_t total) {
    const std::lock_guard lock(mutex_);
    // Threads finish out of order; what was shown once is never taken back.
    if (done <= best_ || total == 0) return;
    best_ = done;
    const auto now = Clock::now();
    if (now - begin_ < silence_) return;
    const double elapsed = std::chrono::duration<double>(now - begin_).count();
    const double left = elapsed / static_cast<double>(done) * static_cast<double>(total - done);
    if (on_terminal_) {
        if (done < total && now - shown_ < std::chrono::milliseconds(200)) return;
        shown_ = now;
        const std::string text = format("\r{}: {} % ({}/{}), {}, {} MB\x1b[K", what_, done * 100 / total, done, total,
                                        done < total ? clock_text(left) + " left" : clock_text(elapsed), resident_memory() / 1'000'000);
        std::fputs(text.c_str(), stderr);
        // What comes next on the terminal is the result: it starts on a line of its own.
        line_open_ = done < total;
        if (!line_open_) std::fputc('\n', stderr);
        return;
    }
    const std::size_t tenth = done * 10 / total;
    if (tenth == tenth_) return;
    tenth_ = tenth;
    std::fputs(format("{}: {}/{} ({} %), {}\n", what_, done, total, done * 100 / total,
                      done < total ? clock_text(left) + " left" : clock_text(elapsed))
                   .c_str(),
               stderr);
}

}  // namespace mcompress
