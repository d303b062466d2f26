#include "support/work_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "support/error.h"
#include "support/publish.h"

namespace mcompress {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail_at(const fs::path& path, const char* action, int code) {
    throw Error(codes::kFileUnwritable, format("{}: {} failed: {}", path.string(), action, std::strerror(code)),
                "check the folder's permissions and space");
}

void empty_folder(const fs::path& path) {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) fs::remove_all(entry.path(), error);
}

}  // namespace

WorkFolder::WorkFolder(const fs::path& target) : path_(target.parent_path() / ("." + target.filename().string() + ".steps")) {
    // The holder of the lock removes the folder: whoever opened it before that holds a lock on nothing and has to begin anew.
    for (int attempt = 0; attempt < 100; ++attempt) {
        if (::mkdir(path_.c_str(), 0777) != 0 && errno != EEXIST) fail_at(path_, "creating", errno);
        const int lock = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (lock < 0 && errno == ENOENT) continue;
        if (lock < 0) fail_at(path_, "opening", errno);
        int locked = 0;
        do locked = ::flock(lock, LOCK_EX | LOCK_NB);
        while (locked != 0 && errno == EINTR);
        if (locked != 0) {
            const int code = errno;
            ::close(lock);
            if (code == EWOULDBLOCK)
                throw Error(codes::kOutputBusy, format("{} is being written by another run", target.string()),
                            "wait for it, or choose another name with -o");
            ::rmdir(path_.c_str());  // unless somebody else's files are in it
            fail_at(path_, "locking", code);
        }
        struct stat held {
        }, there{};
        if (::fstat(lock, &held) == 0 && ::stat(path_.c_str(), &there) == 0 && held.st_ino == there.st_ino && held.st_dev == there.st_dev) {
            lock_ = lock;
            unfinished_.emplace(path_);
            empty_folder(path_);
            return;
        }
        ::close(lock);
    }
    throw Error(codes::kOutputBusy, format("{} is being written by other runs", target.string()), "choose another name with -o");
}

WorkFolder::~WorkFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    ::close(lock_);
}

fs::path WorkFolder::make_subfolder(const std::string& name) const {
    fs::path made = path_ / name;
    if (::mkdir(made.c_str(), 0777) != 0) fail_at(made, "creating", errno);
    return made;
}

void WorkFolder::publish(const fs::path& subfolder, const fs::path& target) const {
    const auto move = [](const fs::path& from, const fs::path& to) {
        if (const int code = mcompress::publish(from, to); code != 0) fail_at(to, "renaming", code);
    };
    std::error_code error;
    for (fs::directory_iterator at(subfolder, error), end; !error && at != end; at.increment(error))
        if (at->path().filename() != target.filename()) move(at->path(), target.parent_path() / at->path().filename());
    if (error) fail_at(subfolder, "listing", error.value());
    move(subfolder / target.filename(), target);
}

}  // namespace mcompress
