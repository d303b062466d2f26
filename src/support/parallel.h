// Thread-parallel loops whose result cannot depend on the number of threads: work is cut into chunks of a fixed size,
// and whoever combines partial results does so in chunk order.
#pragma once

#include <cstddef>
#include <functional>

namespace mcompress {

/// The number of threads a command uses when none is asked for: the processors this process may run on.
int default_thread_count();

/// Calls body(worker, index) for every index in [0, count), each exactly once; `worker` < threads names the calling thread's slot.
/// Indices are handed out in increasing order. The first exception (of the lowest index) is rethrown after all threads have stopped.
void parallel_for(std::size_t count, int threads, const std::function<void(int worker, std::size_t index)>& body);

/// Calls body(chunk, begin, end) over [0, count) in chunks of `chunk_size`; the cut is the same for any number of threads.
void parallel_chunks(std::size_t count, std::size_t chunk_size, int threads,
                     const std::function<void(std::size_t chunk, std::size_t begin, std::size_t end)>& body);

}  // namespace mcompress
