#include "tools/command_line.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace mcompress::testing {

namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

ScratchFolder::ScratchFolder(const std::string& name)
    : path_(fs::temp_directory_path() / ("mcompress-" + name + "-" + std::to_string(::getpid()))) {
    fs::remove_all(path_);
    fs::create_directories(path_);
}

ScratchFolder::~ScratchFolder() { fs::remove_all(path_); }

CommandResult run_mcompress(const std::string& arguments) {
    const ScratchFolder scratch("run");
    const std::string command = "cd '" MCOMPRESS_SOURCE_DIR "' && '" MCOMPRESS_BINARY "' " + arguments + " > '" + (scratch / "out") +
                                "' 2> '" + (scratch / "err") + "' < /dev/null";
    const int status = std::system(command.c_str());
    CommandResult result;
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    result.output = read_text(scratch / "out");
    result.errors = read_text(scratch / "err");
    return result;
}

}  // namespace mcompress::testing
