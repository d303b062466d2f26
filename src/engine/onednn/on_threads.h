// OpenMP over a fixed number of workers.
#pragma once

#include <cstdint>

namespace mcompress::onednn {

/// Calls body(worker) for every worker, each on its own thread.
template <typename Body> void on_threads(int threads, Body&& body) {
    if (threads <= 1) return body(0);
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int worker = 0; worker < threads; ++worker) body(worker);
}

/// Calls body(begin, end) for pieces of [0, count): on one thread when the work (in elements) is too small to be worth waking another.
template <typename Body> void on_ranges(std::int64_t count, std::int64_t work, int threads, Body&& body) {
    constexpr std::int64_t kWorthIt = 8192;
    if (work < kWorthIt || count < threads) return body(std::int64_t{0}, count);
    on_threads(threads, [&](int worker) { body(count * worker / threads, count * (worker + 1) / threads); });
}

}  // namespace mcompress::onednn
