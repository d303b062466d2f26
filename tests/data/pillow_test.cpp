// Every pixel as Pillow has it.
#include <sys/wait.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "catch.h"
#include "data/image_folder.h"
#include "data/preprocess.h"
#include "data/temporary_folder.h"
#include "fixtures/assets.h"
#include "support/format.h"
#include "support/parallel.h"

using namespace mcompress;

namespace {

std::string asset(std::string_view path) {
    const auto found = assets() / path;
    return std::filesystem::exists(found) ? found.string() : "";
}

struct Expectation {
    std::string picture;
    std::string color;
    int width = 0;
    int height = 0;
    std::string filter;
    std::string expected;
};

std::vector<Expectation> run_pillow(const TemporaryFolder& folder, const std::string& pictures) {
    // The first python3 on the path may be one without Pillow; Debian's package belongs to /usr/bin/python3.
    const std::string command =
        format("for python in python3 /usr/bin/python3; do $python '{}/data/pillow_expectations.py' '{}' {} >'{}/log' 2>&1; status=$?; "
               "[ $status = 77 ] || [ $status = 127 ] || {{ cat '{}/log' >&2; exit $status; }}; done; exit 77",
               MCOMPRESS_TESTS_DIR, folder.path().string(), pictures, folder.path().string(), folder.path().string());
    const int status = std::system(command.c_str());
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) return {};
    REQUIRE(status == 0);
    std::istringstream manifest(read_file(folder / "manifest.txt"));
    std::vector<Expectation> rows;
    for (Expectation row; manifest >> row.picture >> row.color >> row.width >> row.height >> row.filter >> row.expected;)
        rows.push_back(row);
    return rows;
}

ResampleFilter filter_named(std::string_view name) {
    for (const auto& row : kResampleFilters)
        if (row.name == name) return row.filter;
    FAIL("unknown filter");
    return ResampleFilter::Box;
}

std::string bytes_of(const Expectation& row) {
    const std::string file = read_file(row.picture);
    const std::span bytes(reinterpret_cast<const std::byte*>(file.data()), file.size());
    const Image image = decode_image(bytes, row.color == "L" ? ImageColor::Gray : ImageColor::Rgb, row.picture);
    if (row.filter == "imagenet") {
        const Tensor tensor = preprocess(image, preprocess_preset("imagenet"));
        return {reinterpret_cast<const char*>(tensor.bytes()), tensor.byte_size()};
    }
    const Image resized = resize(image, {row.width, row.height}, filter_named(row.filter));
    return {reinterpret_cast<const char*>(resized.pixels.data()), resized.pixels.size()};
}

void check_all(const TemporaryFolder& folder, const std::vector<Expectation>& rows) {
    std::size_t values = 0;
    for (const Expectation& row : rows) {
        const std::string expected = read_file(folder / row.expected);
        INFO(row.picture << " " << row.color << " " << row.width << "x" << row.height << " " << row.filter);
        const std::string found = bytes_of(row);
        CHECK(found.size() == expected.size());
        CHECK((found == expected));
        values += found.size();
    }
    CHECK(values > 0);
}

}  // namespace

TEST_CASE("decoding and resizing are equal to Pillow on synthetic pictures of every kind") {
    const TemporaryFolder folder;
    const auto rows = run_pillow(folder, "");
    if (rows.empty()) {
        WARN("skipped: python3 with Pillow and NumPy is not installed");
        return;
    }
    REQUIRE(rows.size() > 500);
    check_all(folder, rows);
}

TEST_CASE("the imagenet preset is equal to Pillow and NumPy on photographs") {
    const std::string photographs = asset("data/imagenet/calib");
    if (photographs.empty()) {
        WARN("skipped: no photographs (MCOMPRESS_ASSETS)");
        return;
    }
    const TemporaryFolder folder;
    const auto rows = run_pillow(folder, "'" + photographs + "'");
    if (rows.empty()) {
        WARN("skipped: python3 with Pillow and NumPy is not installed");
        return;
    }
    check_all(folder, rows);
}

TEST_CASE("how fast photographs become tensors", "[bench]") {
    const std::string photographs = asset("data/imagenet/calib");
    if (photographs.empty()) {
        WARN("skipped: no photographs (MCOMPRESS_ASSETS)");
        return;
    }
    const auto data = make_image_dataset(photographs, preprocess_preset("imagenet"));
    for (const int threads : {1, 2}) {
        const auto start = std::chrono::steady_clock::now();
        parallel_for(data->size(), threads, [&](int, std::size_t index) { data->sample(index); });
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        WARN(data->size() << " photographs on " << threads << " threads: " << seconds << " s");
        CHECK(seconds < 30.0);
    }
}
