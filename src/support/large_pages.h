// Memory for what is read over and over, on large pages where the system has them: a table of few pages covers it, and fewer reads wait for the address.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>

namespace mcompress {

struct FreeBlock {
    void operator()(std::byte* block) const;
};
using Block = std::unique_ptr<std::byte[], FreeBlock>;

/// `bytes` at the beginning of a page, uninitialized; blocks of 2 MB and more ask for large pages (Linux: transparent huge pages) in whole ones. Null when
/// there is no memory.
Block allocate_block(std::size_t bytes);

/// Pieces of shared blocks for many tensors of all sizes that live about as long as each other. A block goes with the last of its pieces. Safe to call from
/// several threads.
class BlockPool {
public:
    /// `bytes` at a multiple of 64, uninitialized. Throws std::bad_alloc.
    std::shared_ptr<std::byte> allocate(std::size_t bytes);

private:
    std::mutex mutex_;
    std::weak_ptr<std::byte[]> current_;
    std::size_t capacity_ = 0, used_ = 0;
    std::size_t total_ = 0;  // of all pieces there were
};

}  // namespace mcompress
