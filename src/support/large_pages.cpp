#include "support/large_pages.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace mcompress {

namespace {

constexpr std::size_t kPage = 4096, kLargePage = std::size_t{1} << 21, kAlignment = 64;
constexpr std::size_t kLeastBlock = std::size_t{1} << 16, kLargestBlock = std::size_t{1} << 23;

std::size_t rounded_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

void FreeBlock::operator()(std::byte* block) const { std::free(block); }

Block allocate_block(std::size_t bytes) {
    const std::size_t whole = bytes / kLargePage * kLargePage;
    auto* memory = static_cast<std::byte*>(std::aligned_alloc(whole > 0 ? kLargePage : kPage, rounded_up(bytes, kPage)));
    // Only a hint: without large pages the block is as good as any. The rest behind the last whole one would be resident without being used.
    if (memory && whole > 0) ::madvise(memory, whole, MADV_HUGEPAGE);
    return Block(memory);
}

std::shared_ptr<std::byte> BlockPool::allocate(std::size_t bytes) {
    const std::size_t size = rounded_up(std::max<std::size_t>(bytes, 1), kAlignment);
    if (size > kLargestBlock / 2) {
        std::shared_ptr<std::byte[]> own = allocate_block(size);
        if (!own) throw std::bad_alloc();
        std::byte* const piece = own.get();
        return {std::move(own), piece};
    }
    const std::lock_guard lock(mutex_);
    std::shared_ptr<std::byte[]> block = current_.lock();
    if (!block || capacity_ - used_ < size) {
        // As large as all before, so that little is left over of few pieces and few blocks hold many.
        capacity_ = std::max(size, std::clamp(rounded_up(total_, kPage), kLeastBlock, kLargestBlock));
        block = allocate_block(capacity_);
        if (!block) throw std::bad_alloc();
        current_ = block;
        used_ = 0;
    }
    std::byte* const piece = block.get() + used_;
    used_ += size;
    total_ += size;
    return {std::move(block), piece};
}

}  // namespace mcompress
