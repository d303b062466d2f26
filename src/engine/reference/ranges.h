// A kernel's work cut into one range a thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <vector>

namespace mcompress::reference {

/// Bytes to move (or as much arithmetic) below which waking another thread costs more than it saves.
inline constexpr std::int64_t kWorthThreadsBytes = std::int64_t{1} << 20;

/// Calls body(begin, end) for ranges that together are [0, count), each on its own thread; one range when `work` (in bytes moved) is small.
/// Ranges begin at multiples of `grain`. Where they are cut depends on `threads`: what the body does with an index must not depend on
/// the range it lies in. Rethrows the exception of the lowest range. OpenMP, because oneDNN's primitives leave its threads awake.
template <typename Body> void for_ranges(std::int64_t count, std::int64_t grain, std::int64_t work, int threads, Body&& body) {
    const std::int64_t grains = (count + grain - 1) / grain;
    const std::int64_t workers = work < kWorthThreadsBytes ? 1 : std::min<std::int64_t>(threads, grains);
    if (workers <= 1) {
        if (count > 0) body(std::int64_t{0}, count);
        return;
    }
    std::vector<std::exception_ptr> failures(static_cast<std::size_t>(workers));
#pragma omp parallel for num_threads(static_cast <int>(workers)) schedule(static, 1)
    for (std::int64_t worker = 0; worker < workers; ++worker) {
        try {
            body(grains * worker / workers * grain, std::min(count, grains * (worker + 1) / workers * grain));
        } catch (...) {
            failures[static_cast<std::size_t>(worker)] = std::current_exception();
        }
    }
    for (const std::exception_ptr& failure : failures)
        if (failure) std::rethrow_exception(failure);
}

}  // namespace mcompress::reference
