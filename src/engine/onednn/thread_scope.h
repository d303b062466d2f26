// OpenMP's thread count for the current thread, restored at the end of the scope.
#pragma once

#include <omp.h>

namespace mcompress::onednn {

/// omp_set_num_threads sets a variable of the calling thread, so plans run from several threads do not disturb each other.
class ThreadScope {
public:
    explicit ThreadScope(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
    ~ThreadScope() { omp_set_num_threads(before_); }
    ThreadScope(const ThreadScope&) = delete;
    ThreadScope& operator=(const ThreadScope&) = delete;

private:
    int before_;
};

}  // namespace mcompress::onednn
