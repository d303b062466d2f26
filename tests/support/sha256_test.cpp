// SHA-256 against the standard's examples and against sha256sum.
#include "support/sha256.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "catch.h"

using namespace mcompress;

TEST_CASE("the examples of FIPS 180-4") {
    CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(sha256_hex(std::string(1000000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("bytes can come in any pieces") {
    std::string text;
    for (int i = 0; i < 300; ++i) text += static_cast<char>(i * 7);
    for (std::size_t first = 0; first <= 130; ++first) {
        for (const std::size_t second : {0, 1, 63, 64, 65, 128}) {
            Sha256 digest;
            digest.add_bytes(text.data(), first);
            digest.add_bytes(text.data() + first, second);
            digest.add_bytes(text.data() + first + second, text.size() - first - second);
            CHECK(digest.hex_digest() == sha256_hex(text));
        }
    }
}

TEST_CASE("every length gives what sha256sum gives") {
    const auto file = std::filesystem::temp_directory_path() / ("mcompress_sha256_" + std::to_string(::getpid()));
    for (std::size_t length = 0; length <= 130; ++length) {
        std::string text;
        for (std::size_t i = 0; i < length; ++i) text += static_cast<char>(i * i + length);
        std::ofstream(file, std::ios::binary) << text;
        std::FILE* pipe = ::popen(("sha256sum < " + file.string()).c_str(), "r");
        REQUIRE(pipe);
        char line[65] = {};
        REQUIRE(std::fread(line, 1, 64, pipe) == 64);
        ::pclose(pipe);
        CHECK(sha256_hex(text) == line);
    }
    std::filesystem::remove(file);
}

TEST_CASE("texts are told apart by their lengths") {
    const auto digest = [](std::initializer_list<const char*> texts) {
        Sha256 hash;
        for (const char* text : texts) hash.add_string(text);
        return hash.hex_digest();
    };
    CHECK(digest({"ab", "c"}) != digest({"a", "bc"}));
    CHECK(digest({"ab", ""}) != digest({"ab"}));
}
