// Runs the built mcompress as a user does.
#pragma once

#include <filesystem>
#include <string>

namespace mcompress::testing {

struct CommandResult {
    int exit_code = -1;
    std::string output;  // standard output
    std::string errors;  // standard error
};

/// Runs `mcompress <arguments>` through the shell, in the source folder.
CommandResult run_mcompress(const std::string& arguments);

std::string read_text(const std::filesystem::path& path);

/// An empty folder that is removed at the end.
class ScratchFolder {
public:
    explicit ScratchFolder(const std::string& name);
    ~ScratchFolder();
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;
    std::string operator/(const std::string& name) const { return (path_ / name).string(); }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace mcompress::testing
