// Files: reading through a memory map, writing so that a reader sees the old file or the complete new one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "support/interruption.h"

namespace mcompress {

/// A regular file mapped read-only. Throws kFileMissing, kFileUnreadable or kFileNotRegular. An empty file has size 0 and a null data().
class MappedFile {
public:
    static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
    ~MappedFile();
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;

    const std::byte* data() const { return data_; }
    std::size_t size() const { return size_; }
    const std::filesystem::path& path() const { return path_; }
    std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }

private:
    MappedFile(std::filesystem::path path, const std::byte* data, std::size_t size);
    std::filesystem::path path_;
    const std::byte* data_;
    std::size_t size_;
};

/// Lets the whole pages of [data, data + size) leave memory when `owner` is a mapped file; they come back when they are read. Else does nothing.
void release_pages(const std::shared_ptr<const void>& owner, const std::byte* data, std::size_t size);

/// Writes a file next to its final place and renames it in commit(). Every write, the fsync and the close are checked; a file that was
/// not committed is removed by the destructor, or by a signal that ends the process, so the target is untouched by any failure; what a run left that was killed
/// is removed by the next one for the same target. Throws kFileUnwritable.
class AtomicFile {
public:
    explicit AtomicFile(std::filesystem::path target);
    ~AtomicFile();
    AtomicFile(const AtomicFile&) = delete;
    AtomicFile& operator=(const AtomicFile&) = delete;

    void write(const void* data, std::size_t size);
    void write(std::string_view text) { write(text.data(), text.size()); }
    std::uint64_t bytes_written() const { return written_; }
    void commit();

private:
    [[noreturn]] void fail_here(const char* action) const;
    void make_temporary();
    void remove_leftovers() const;
    void discard();
    std::filesystem::path target_;
    std::filesystem::path temporary_;
    std::optional<Unfinished> unfinished_;
    int descriptor_ = -1;
    std::uint64_t written_ = 0;
    bool committed_ = false;
};

/// Writes `content` to `target` through an AtomicFile.
void write_file_atomically(const std::filesystem::path& target, std::string_view content);

/// True when both paths name the same existing file (same device and inode).
bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace mcompress
