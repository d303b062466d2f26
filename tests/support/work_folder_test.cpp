// The folder for unfinished output: one user at a time, nothing left behind.
#include "support/work_folder.h"

#include <unistd.h>

#include <fstream>

#include "catch.h"
#include "support/error.h"

using namespace mcompress;
namespace fs = std::filesystem;

namespace {

fs::path scratch() {
    const fs::path path = fs::temp_directory_path() / ("mcompress_work_folder_" + std::to_string(::getpid()));
    fs::remove_all(path);
    fs::create_directories(path);
    return path;
}

void write(const fs::path& path, const char* text) { std::ofstream(path) << text; }

std::size_t entries(const fs::path& path) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("a work folder is emptied, used by one at a time and removed") {
    const fs::path home = scratch(), target = home / "model.onnx";
    fs::create_directories(home / ".model.onnx.steps" / "1");
    write(home / ".model.onnx.steps" / "1" / "left", "behind");
    {
        const WorkFolder folder(target);
        CHECK(entries(folder.path()) == 0);
        try {
            const WorkFolder second(target);
            FAIL("two runs write the same output");
        } catch (const Error& error) {
            CHECK(std::string(error.code().id) == codes::kOutputBusy.id);
        }
        const WorkFolder other(home / "other.onnx");
        CHECK(entries(home) == 2);
    }
    CHECK(entries(home) == 0);
    const WorkFolder again(target);
    CHECK(fs::exists(again.path()));
}

TEST_CASE("publishing moves the model and what belongs to it over the old one") {
    const fs::path home = scratch(), target = home / "model.onnx";
    write(target, "old");
    {
        const WorkFolder folder(target);
        fs::create_directory(folder.path() / "2");
        write(folder.path() / "2" / "model.onnx", "new");
        write(folder.path() / "2" / "model-1234.onnx.data", "data");
        folder.publish(folder.path() / "2", target);
    }
    CHECK(entries(home) == 2);
    std::string text;
    std::ifstream(target) >> text;
    CHECK(text == "new");
    CHECK(fs::exists(home / "model-1234.onnx.data"));
    fs::remove_all(home);
}

TEST_CASE("a folder that cannot be made is an error of files") {
    try {
        const WorkFolder folder("/proc/model.onnx");
        FAIL("made");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::File);
    }
}
