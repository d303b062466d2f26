// Progress of work that is done in stages, one after the other.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace mcompress {

/// Told how many pieces of a stage are finished, with 0 when it begins (again). May be called from several threads.
using StageProgress = std::function<void(std::string_view stage, std::size_t done, std::size_t total)>;

/// Counts the finished pieces of a stage, from any thread. Says nothing without a function to tell.
class StageCounter {
public:
    StageCounter(const StageProgress& told, std::string_view stage, std::size_t total) : told_(told), stage_(stage), total_(total) {
        if (told_) told_(stage_, 0, total_);
    }
    StageCounter(const StageCounter&) = delete;
    StageCounter& operator=(const StageCounter&) = delete;

    void advance(std::size_t pieces = 1) {
        if (!told_) return;
        const std::lock_guard lock(mutex_);
        done_ += pieces;
        told_(stage_, done_, std::max(done_, total_));
    }
    /// So many pieces are still to come by a better estimate. Not while others count.
    void expect(std::size_t pieces) { total_ = done_ + pieces; }
    void expect_at_least(std::size_t pieces) { total_ = std::max(total_, done_ + pieces); }
    /// What was estimated and has not come will not.
    void finish() {
        if (done_ < total_) advance(total_ - done_);
    }

private:
    const StageProgress& told_;
    std::string_view stage_;
    std::size_t total_;
    std::size_t done_ = 0;
    std::mutex mutex_;
};

/// Begins a stage for what knows of no stages. `told` must outlive it; empty when that is.
inline std::function<void(std::size_t, std::size_t)> as_stage(const StageProgress& told, std::string stage) {
    if (!told) return {};
    told(stage, 0, 0);
    return [&told, stage = std::move(stage)](std::size_t done, std::size_t total) { told(stage, done, total); };
}

}  // namespace mcompress
