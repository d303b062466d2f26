#include "support/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace mcompress {

int default_thread_count() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

void parallel_for(std::size_t count, int threads, const std::function<void(int, std::size_t)>& body) {
    const int workers = static_cast<int>(std::min<std::size_t>(count, static_cast<std::size_t>(std::max(1, threads))));
    if (workers <= 1) {
        for (std::size_t index = 0; index < count; ++index) body(0, index);
        return;
    }
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::size_t failed_index = count;
    std::exception_ptr failure;
    const auto work = [&](int worker) {
        for (std::size_t index = next++; index < count; index = next++) {
            try {
                body(worker, index);
            } catch (...) {
                const std::lock_guard lock(mutex);
                if (index < failed_index) {
                    failed_index = index;
                    failure = std::current_exception();
                }
                next = count;
            }
        }
    };
    std::vector<std::thread> pool;
    pool.reserve(static_cast<std::size_t>(workers));
    try {
        for (int worker = 1; worker < workers; ++worker) pool.emplace_back(work, worker);
    } catch (...) {
        // Where the system gives no more threads, those that there are do the work: the result is the same.
    }
    work(0);
    for (auto& thread : pool) thread.join();
    if (failure) std::rethrow_exception(failure);
}

void parallel_chunks(std::size_t count, std::size_t chunk_size, int threads,
                     const std::function<void(std::size_t, std::size_t, std::size_t)>& body) {
    const std::size_t chunks = (count + chunk_size - 1) / chunk_size;
    parallel_for(chunks, threads,
                 [&](int, std::size_t chunk) { body(chunk, chunk * chunk_size, std::min(count, (chunk + 1) * chunk_size)); });
}

}  // namespace mcompress
