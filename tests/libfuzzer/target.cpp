#include "libfuzzer/target.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "support/log.h"
#include "support/process_limits.h"

namespace mcompress::fuzzing {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMostNodes = 2000;

/// Removed with the process; what a killed one leaves lies in memory or among temporary files.
class Scratch {
public:
    Scratch() {
        const fs::path memory = "/dev/shm";
        std::error_code error;
        const fs::path root = ::access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path(error);
        path_ = root / ("mcompress-fuzz-" + std::to_string(::getpid()));
        fs::create_directories(path_);
    }
    ~Scratch() {
        std::error_code error;
        fs::remove_all(path_, error);
    }
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

}  // namespace

void report_broken(const std::string& what) { throw Broken(what); }

const fs::path& scratch_folder() {
    static const Scratch scratch;
    return scratch.path();
}

fs::path scratch_file(const std::string& name, std::span<const std::byte> content) {
    fs::path path = scratch_folder() / name;
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
    if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
    return path;
}

void prepare_process() {
    set_log_level(LogLevel::Off);
    ::setenv("OMP_NUM_THREADS", "1", 1);
    set_process_limits({.memory = UINT64_MAX, .nodes = kMostNodes});
}

}  // namespace mcompress::fuzzing
