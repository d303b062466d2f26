#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>

#include "catch.h"
#include "support/error.h"
#include "support/file.h"
#include "support/hash.h"
#include "support/parallel.h"

using namespace mcompress;
namespace fs = std::filesystem;

namespace {

struct Folder {
    fs::path path = fs::temp_directory_path() / format("mcompress-support-{}", ::getpid());
    Folder() {
        fs::remove_all(path);
        fs::create_directories(path);
    }
    ~Folder() { fs::remove_all(path); }
};

std::string read(const fs::path& path) { return std::string(MappedFile::open(path)->text()); }

}  // namespace

TEST_CASE("an error says code, frames from the outside in, message and remedy") {
    try {
        with_context("while loading m.onnx", [] {
            with_context([] { return std::string("node 'Conv_3'"); },
                         [] { throw Error(codes::kTensorInvalid, "7 bytes", "export again"); });
        });
        FAIL("no error");
    } catch (const Error& error) {
        CHECK(std::string(error.what()) == "error[E3004]: while loading m.onnx: node 'Conv_3': 7 bytes\n  help: export again");
        CHECK(error.kind() == ErrorKind::Model);
    }
}

TEST_CASE("an atomic file appears whole or not at all") {
    const Folder folder;
    const fs::path target = folder.path / "out.bin";
    {
        AtomicFile file(target);
        file.write("half");
        CHECK_FALSE(fs::exists(target));
    }
    CHECK(fs::is_empty(folder.path));
    write_file_atomically(target, "old");
    {
        AtomicFile file(target);
        file.write("new, never committed");
    }
    CHECK(read(target) == "old");
    write_file_atomically(target, "new");
    CHECK(read(target) == "new");
    CHECK(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()) == 1);
}

TEST_CASE("writing into a missing folder or over a folder is refused") {
    const Folder folder;
    CHECK_THROWS_AS(AtomicFile(folder.path / "no" / "file"), Error);
    CHECK_THROWS_AS(AtomicFile(folder.path), Error);
}

TEST_CASE("a write that fails midway is reported and leaves the old file") {
    const Folder folder;
    const fs::path target = folder.path / "out.bin";
    write_file_atomically(target, "old");
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit small{1024, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    CHECK_THROWS_AS(write_file_atomically(target, std::string(100000, 'x')), Error);
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    CHECK(read(target) == "old");
    CHECK(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()) == 1);
}

TEST_CASE("mapping refuses what is no regular file") {
    const Folder folder;
    CHECK_THROWS_AS(MappedFile::open(folder.path / "missing"), Error);
    CHECK_THROWS_AS(MappedFile::open(folder.path), Error);
    CHECK_THROWS_AS(MappedFile::open("/dev/null"), Error);
    write_file_atomically(folder.path / "empty", "");
    CHECK(MappedFile::open(folder.path / "empty")->size() == 0);
}

TEST_CASE("parallel loops visit every index once for any number of threads") {
    for (const int threads : {1, 2, 3, 8}) {
        std::vector<std::atomic<int>> visits(1000);
        parallel_for(visits.size(), threads, [&](int worker, std::size_t index) {
            CHECK(worker < threads);
            ++visits[index];
        });
        CHECK(std::all_of(visits.begin(), visits.end(), [](const auto& n) { return n == 1; }));
        std::vector<std::pair<std::size_t, std::size_t>> cuts(4);
        parallel_chunks(1000, 300, threads, [&](std::size_t chunk, std::size_t begin, std::size_t end) { cuts[chunk] = {begin, end}; });
        CHECK(cuts.back() == std::pair<std::size_t, std::size_t>{900, 1000});
    }
}

TEST_CASE("the first failure of a parallel loop is rethrown") {
    CHECK_THROWS_AS(parallel_for(100, 2,
                                 [](int, std::size_t index) {
                                     if (index >= 10) fail(codes::kInternal, "{}", index);
                                 }),
                    Error);
}

TEST_CASE("the hash sees lengths") {
    Hasher a;
    a.add_string("ab");
    a.add_string("c");
    Hasher b;
    b.add_string("a");
    b.add_string("bc");
    CHECK(a.hex_digest() != b.hex_digest());
    CHECK(a.hex_digest().size() == 32);
}
