#include "data/npz_file.h"

#include <zip.h>

#include <random>
#include <span>

#include "catch.h"
#include "data/npy_file.h"
#include "data/temporary_folder.h"
#include "support/error.h"

using namespace mcompress;

namespace {

using Arrays = std::vector<std::pair<std::string, Tensor>>;

const Arrays kArrays{{"image", Tensor::from_values<float>({2, 2}, {1, 2, 3, 4})},
                     {"token/ids", Tensor::from_values<std::int64_t>({2}, {7, 8})}};

/// An archive of entries with any content.
struct Entry {
    std::string name;
    std::string content;
    int method = ZIP_CM_DEFLATE;
};
std::filesystem::path make_archive(const TemporaryFolder& folder, const std::vector<Entry>& entries, const char* password = nullptr) {
    const auto path = folder / "made.npz";
    int error = 0;
    zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &error);
    REQUIRE(archive);
    for (const Entry& entry : entries) {
        const auto index = static_cast<zip_uint64_t>(zip_file_add(
            archive, entry.name.c_str(), zip_source_buffer(archive, entry.content.data(), entry.content.size(), 0), ZIP_FL_ENC_UTF_8));
        zip_set_file_compression(archive, index, entry.method, 0);
        if (password) REQUIRE(zip_file_set_encryption(archive, index, ZIP_EM_AES_128, password) == 0);
    }
    REQUIRE(zip_close(archive) == 0);
    return path;
}

std::string npy_of(const Tensor& tensor) {
    return npy_header(tensor.dtype(), tensor.shape()) + std::string(reinterpret_cast<const char*>(tensor.bytes()), tensor.byte_size());
}

std::string code_of(const std::filesystem::path& path, std::uint64_t limit = kDefaultNpzLimit) {
    try {
        read_npz(path, limit);
    } catch (const Error& error) {
        return error.code().id;
    }
    FAIL("nothing was thrown");
    return "";
}

}  // namespace

TEST_CASE("arrays written to an archive are read back in their order") {
    const TemporaryFolder folder;
    write_npz(folder / "x.npz", kArrays);
    const Arrays found = read_npz(folder / "x.npz");
    REQUIRE(found.size() == 2);
    for (std::size_t at = 0; at < found.size(); ++at) {
        CHECK(found[at].first == kArrays[at].first);
        CHECK(found[at].second.equals(kArrays[at].second));
    }
}

TEST_CASE("an archive in memory is read and written as a file is") {
    const TemporaryFolder folder;
    write_npz(folder / "x.npz", kArrays);
    const std::string bytes = npz_bytes(kArrays, "the archive");
    CHECK((read_file(folder / "x.npz") == bytes));
    const Arrays found = parse_npz(std::as_bytes(std::span(bytes)), "the archive");
    REQUIRE(found.size() == 2);
    CHECK(found[1].second.equals(kArrays[1].second));
    CHECK_THROWS_WITH(parse_npz(std::as_bytes(std::span(bytes)).first(40), "the archive"),
                      contains_text("the archive is no .npz archive, or was cut off"));
}

TEST_CASE("archives of the same arrays are the same bytes, whatever the time zone") {
    const TemporaryFolder folder;
    write_npz(folder / "a.npz", kArrays);
    setenv("TZ", "Pacific/Auckland", 1);
    tzset();
    write_npz(folder / "b.npz", kArrays);
    unsetenv("TZ");
    tzset();
    CHECK((read_file(folder / "a.npz") == read_file(folder / "b.npz")));
}

TEST_CASE("a failed write leaves the old archive alone") {
    const TemporaryFolder folder;
    write_npz(folder / "x.npz", kArrays);
    const std::string before = read_file(folder / "x.npz");
    CHECK_THROWS_AS(write_npz(folder / "x.npz", {{"a", Tensor::scalar(1.0f)}, {"a", Tensor::scalar(2.0f)}}), Error);
    CHECK_THROWS_AS(write_npz(folder / "x.npz", {{"../a", Tensor::scalar(1.0f)}}), Error);
    CHECK_THROWS_AS(write_npz(folder / "x.npz", {{"a", Tensor::from_strings({1}, {"text"})}}), Error);
    CHECK_THROWS_AS(write_npz(folder / "x.npz", {}), Error);
    CHECK((read_file(folder / "x.npz") == before));
}

TEST_CASE("deflated archives are read") {
    const TemporaryFolder folder;
    const Tensor zeros(DType::Float32, Shape{1000, 100});
    CHECK(read_npz(make_archive(folder, {{"x.npy", npy_of(zeros)}})).front().second.equals(zeros));
}

TEST_CASE("an archive that would unpack beyond the limit is refused before it is unpacked") {
    const TemporaryFolder folder;
    const auto path = make_archive(folder, {{"x.npy", npy_of(Tensor(DType::Float32, Shape{1000, 1000}))}});
    CHECK(std::filesystem::file_size(path) < 8000);
    CHECK(code_of(path, 1 << 20) == codes::kTooLarge.id);
}

TEST_CASE("unfit archives are refused") {
    const TemporaryFolder folder;
    const std::string array = npy_of(Tensor::scalar(1.0f));
    CHECK(code_of(folder.write("x.npz", "no archive")) == codes::kDataInvalid.id);
    CHECK(code_of(folder.write("empty.npz", "")) == codes::kDataInvalid.id);
    CHECK(code_of(folder / "missing.npz") == codes::kFileMissing.id);
    CHECK(code_of(make_archive(folder, {{"readme.txt", "text"}})) == codes::kDataInvalid.id);
    CHECK(code_of(make_archive(folder, {{"../x.npy", array}})) == codes::kDataInvalid.id);
    CHECK(code_of(make_archive(folder, {{"a/../../x.npy", array}})) == codes::kDataInvalid.id);
    CHECK(code_of(make_archive(folder, {{"/x.npy", array}})) == codes::kDataInvalid.id);
    CHECK(code_of(make_archive(folder, {{"x.npy", "no array"}})) == codes::kDataInvalid.id);
    CHECK(code_of(make_archive(folder, {{"x.npy", array}}, "secret")) == codes::kDataInvalid.id);
}

TEST_CASE("a name that comes twice is refused") {
    const TemporaryFolder folder;
    const std::string array = npy_of(Tensor::scalar(1.0f));
    std::string bytes = read_file(make_archive(folder, {{"a.npy", array}, {"b.npy", array}}));
    for (std::size_t at = bytes.find("b.npy"); at != std::string::npos; at = bytes.find("b.npy", at)) bytes[at] = 'a';
    CHECK(code_of(folder.write("twice.npz", bytes)) == codes::kDataInvalid.id);
}

TEST_CASE("a damaged or truncated archive is refused") {
    const TemporaryFolder folder;
    std::string bytes = read_file(make_archive(folder, {{"x.npy", npy_of(Tensor::from_values<float>({2}, {1, 2})), ZIP_CM_STORE}}));
    for (std::size_t size = 0; size < bytes.size(); size += 7)
        CHECK(code_of(folder.write("cut.npz", bytes.substr(0, size))) == codes::kDataInvalid.id);
    const std::size_t value = bytes.find("\x80\x3F");  // of 1.0f
    REQUIRE(value != std::string::npos);
    bytes[value] = '\x7F';
    CHECK(code_of(folder.write("flipped.npz", bytes)) == codes::kDataInvalid.id);  // the checksum
}

TEST_CASE("damaged archives never crash the reader", "[fuzz]") {
    const TemporaryFolder folder;
    const std::string good =
        read_file(make_archive(folder, {{"x.npy", npy_of(Tensor(DType::Float32, Shape{50, 3}))}, {"y.npy", npy_of(Tensor::scalar(1.0f))}}));
    std::mt19937 random(1);
    for (int round = 0; round < 3000; ++round) {
        std::string bad = good;
        for (int change = 0; change < 1 + static_cast<int>(random() % 3); ++change)
            bad[random() % bad.size()] = static_cast<char>(random());
        const auto path = folder.write("bad.npz", bad);
        try {
            read_npz(path, 1 << 24);
        } catch (const Error& error) {
            REQUIRE((error.kind() == ErrorKind::Data || error.kind() == ErrorKind::Limit));
        }
    }
}
