#include "support/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "support/error.h"
#include "support/mapped_files.h"
#include "support/publish.h"

namespace mcompress {

namespace {

[[noreturn]] void fail_to_open(const std::filesystem::path& path, int error) {
    if (error == ENOENT || error == ENOTDIR) throw Error(codes::kFileMissing, format("{} does not exist", path.string()), "check the path");
    throw Error(codes::kFileUnreadable, format("{} cannot be opened: {}", path.string(), std::strerror(error)), "check the permissions");
}

// A rename is durable only when the directory is synced too; file systems that cannot sync a directory are left alone.
void sync_directory(const std::filesystem::path& directory) {
    const int descriptor = ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    ::fsync(descriptor);
    ::close(descriptor);
}

struct Unmap {
    void operator()(const MappedFile* file) const { delete file; }
};

std::string temporary_prefix(const std::filesystem::path& target) { return "." + target.filename().string() + ".mcompress-"; }

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
    // O_NONBLOCK keeps a FIFO from blocking the open; it means nothing for regular files.
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) fail_to_open(path, errno);
    struct stat status {};
    if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        ::close(descriptor);
        throw Error(codes::kFileNotRegular, format("{} is not a regular file", path.string()), "pass a file, not a directory or device");
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    void* data = nullptr;
    if (size > 0) {
        data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (data == MAP_FAILED) {
            const int error = errno;
            ::close(descriptor);
            fail_to_open(path, error);
        }
    }
    ::close(descriptor);
    std::shared_ptr<const MappedFile> file(new MappedFile(path, static_cast<const std::byte*>(data), size), Unmap{});
    if (data) remember_mapping(path, status, file->data(), size);
    return file;
}

void release_pages(const std::shared_ptr<const void>& owner, const std::byte* data, std::size_t size) {
    // The deleter tells a mapped file from other memory, whose contents would be lost.
    if (!std::get_deleter<Unmap>(owner)) return;
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const std::uintptr_t begin = (reinterpret_cast<std::uintptr_t>(data) + page - 1) / page * page,
                         end = (reinterpret_cast<std::uintptr_t>(data) + size) / page * page;
    if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

MappedFile::MappedFile(std::filesystem::path path, const std::byte* data, std::size_t size)
    : path_(std::move(path)), data_(data), size_(size) {}

MappedFile::~MappedFile() {
    if (!data_) return;
    forget_mapping(data_);
    ::munmap(const_cast<std::byte*>(data_), size_);
}

// A writer holds a lock on its temporary file: one that nobody holds belongs to a run that was killed.
void AtomicFile::make_temporary() {
    while (true) {
        std::string pattern = (target_.parent_path() / (temporary_prefix(target_) + "XXXXXX")).string();
        descriptor_ = ::mkostemp(pattern.data(), O_CLOEXEC);
        if (descriptor_ < 0)
            throw Error(codes::kFileUnwritable,
                        format("no file can be made in {}: {}", target_.parent_path().empty() ? "." : target_.parent_path().string(),
                               std::strerror(errno)),
                        "check that the folder exists and may be written");
        try {
            temporary_ = pattern;
        } catch (...) {
            ::unlink(pattern.c_str());
            throw;
        }
        unfinished_.emplace(temporary_);
        // Where locks are not to be had (some network file systems) nothing is taken for left over either.
        struct stat made {};
        (void)::flock(descriptor_, LOCK_EX | LOCK_NB);
        if (::fstat(descriptor_, &made) != 0 || made.st_nlink > 0) return;
        ::close(descriptor_);  // another run took it for left over before it was locked
        unfinished_.reset();
    }
}

void AtomicFile::remove_leftovers() const {
    const std::string prefix = temporary_prefix(target_);
    std::error_code error;
    const std::filesystem::path folder = target_.parent_path().empty() ? "." : target_.parent_path();
    for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename().string();
        if (name.size() != prefix.size() + 6 || !name.starts_with(prefix) || name == temporary_.filename().string()) continue;
        const int other = ::open(at->path().c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        if (other < 0) continue;
        if (::flock(other, LOCK_EX | LOCK_NB) == 0) ::unlink(at->path().c_str());
        ::close(other);
    }
}

AtomicFile::AtomicFile(std::filesystem::path target) : target_(std::move(target)) {
    std::error_code ignored;
    if (std::filesystem::is_directory(target_, ignored))
        throw Error(codes::kFileUnwritable, format("{} is a directory", target_.string()), "name a file with -o");
    try {
        make_temporary();
        remove_leftovers();
    } catch (...) {
        discard();  // the destructor does not run for what was never finished being made
        throw;
    }
    // mkostemp makes files private; the result gets the mode of the file it replaces, or what the umask allows.
    struct stat old {};
    mode_t mode = 0666;
    if (::stat(target_.c_str(), &old) == 0) {
        mode = old.st_mode & 07777;
    } else {
        const mode_t mask = ::umask(0);
        ::umask(mask);
        mode &= ~mask;
    }
    if (::fchmod(descriptor_, mode) == 0) return;
    const int code = errno;
    discard();  // the destructor does not run for what was never finished being made
    errno = code;
    fail_here("set the mode of");
}

AtomicFile::~AtomicFile() {
    if (!committed_) discard();
}

void AtomicFile::discard() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
    ::unlink(temporary_.c_str());
}

void AtomicFile::fail_here(const char* action) const {
    throw Error(codes::kFileUnwritable, format("cannot {} {}: {}", action, target_.string(), std::strerror(errno)),
                errno == ENOSPC ? "free some space on that disk; nothing was overwritten" : "nothing was overwritten");
}

void AtomicFile::write(const void* data, std::size_t size) {
    const char* at = static_cast<const char*>(data);
    while (size > 0) {
        const ssize_t done = ::write(descriptor_, at, std::min<std::size_t>(size, std::size_t{1} << 30));
        if (done < 0) {
            if (errno == EINTR) continue;
            const int code = errno;
            if (code == EFAULT) check_mapped_files();  // what is written lies in a file that was cut off
            errno = code;
            fail_here("write");
        }
        at += done;
        size -= static_cast<std::size_t>(done);
        written_ += static_cast<std::uint64_t>(done);
    }
}

void AtomicFile::commit() {
    check_mapped_files();  // what was computed from a file that changed meanwhile belongs to no state of it
    while (::fsync(descriptor_) != 0) {
        if (errno == EINTR) continue;
        if (errno == EINVAL) break;  // what cannot be synced, as a pipe
        fail_here("sync");
    }
    const int closing = descriptor_;
    descriptor_ = -1;
    if (::close(closing) != 0 && errno != EINTR) fail_here("close");  // Linux closes all the same when a signal comes in between
    if (const int code = publish(temporary_, target_); code != 0) {
        errno = code;
        fail_here("rename to");
    }
    committed_ = true;
    unfinished_.reset();
    sync_directory(target_.parent_path());
}

void write_file_atomically(const std::filesystem::path& target, std::string_view content) {
    AtomicFile file(target);
    file.write(content);
    file.commit();
}

bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
    struct stat first {};
    struct stat second {};
    return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

}  // namespace mcompress
