// .mcz archives: the same bytes back, sizes, and what damaged or hostile ones end in.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <random>

#include "../data/temporary_folder.h"
#include "catch.h"
#include "fixtures/assets.h"
#include "onnx/emit.h"
#include "onnx/load.h"
#include "pack/archive.h"
#include "pack/archive_index.h"
#include "pack/byte_io.h"
#include "pack/zstd.h"
#include "support/hash.h"

using namespace mcompress;
namespace fs = std::filesystem;

namespace {

std::string content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Normal numbers of which a share is 0, in a model of one matrix product.
template <typename T>
void write_matrix_model(const fs::path& path, double zeros, double scale, ExternalData external = ExternalData::WhenNeeded) {
    std::mt19937 random(7);
    std::normal_distribution<double> normal;
    std::uniform_real_distribution<double> uniform;
    constexpr std::int64_t kSide = 1024;
    std::vector<T> values(kSide * kSide);
    for (T& value : values) value = uniform(random) < zeros ? T(0) : static_cast<T>(std::clamp(normal(random) * scale, -127.0, 127.0));
    Model model;
    (*model.opset_imports)[""] = 13;
    Value* x = model.graph->add_input("x", ValueType::tensor(dtype_of<T>, Shape{1, kSide}));
    Value* w = model.graph->add_constant("w", Tensor::from_values(Shape{kSide, kSide}, values));
    Node* node =
        model.graph->add_node({.op_type = std::is_same_v<T, float> ? "MatMul" : "MatMulInteger", .inputs = {x, w}, .outputs = {"y"}});
    model.graph->set_type(node->output(0), ValueType::tensor(std::is_same_v<T, float> ? DType::Float32 : DType::Int32, Shape{1, kSide}));
    model.graph->add_output(node->output(0));
    EmitOptions options;
    options.external_data = external;
    emit_model(model, path, options);
}

/// The archive's size, after a round trip that gave the same bytes.
std::uint64_t packed_size(const TemporaryFolder& folder, const fs::path& model, int threads = 2) {
    const fs::path archive = folder / "model.mcz", back = folder / "back.onnx";
    const ArchiveSummary summary = pack_files({{"model.onnx", model}}, archive, {.level = 19, .threads = threads});
    CHECK(summary.packed == fs::file_size(archive));
    CHECK(summary.bytes == fs::file_size(model));
    unpack_files(archive, back, {});
    CHECK(content(back) == content(model));
    return summary.packed;
}

std::string code_of(const fs::path& archive, const fs::path& to, const UnpackOptions& options = {}) {
    try {
        unpack_files(archive, to, options);
    } catch (const Error& error) {
        return std::string(error.code().id);
    }
    return "";
}

/// An archive whose index says what it is told to, with the right checksum.
std::string archive_with(const std::string& index, const std::string& payload) {
    const auto packed = zstd_compress(std::as_bytes(std::span(index)), 3);
    std::string text("\x89MCZ\r\n\x1a\n", 8);
    for (const std::uint64_t value : {std::uint64_t{1}, std::uint64_t{packed.size()}, std::uint64_t{index.size()}})
        for (int shift = 0; shift < 64; shift += 8) text += static_cast<char>(value >> shift & 0xff);
    Hasher hasher;
    hasher.add_bytes(index.data(), index.size());
    return text + hasher.hex_digest() + packed + payload;
}

}  // namespace

TEST_CASE("sizes of archives are those that the pruning study asks for") {
    const TemporaryFolder folder;
    const fs::path model = folder / "model.onnx";
    constexpr double kRaw = 4.0 * 1024 * 1024;
    write_matrix_model<float>(model, 0.8, 0.02);
    const double sparse = static_cast<double>(packed_size(folder, model)) / kRaw;
    CHECK(sparse <= 0.24);
    fs::remove(folder / "model.onnx");
    write_matrix_model<std::int8_t>(folder / "model.onnx", 0.8, 32.0);
    const double codes = static_cast<double>(packed_size(folder, folder / "model.onnx")) / kRaw;
    CHECK(codes <= 0.075);
    WARN("80 % zeros: float32 " << 100 * sparse << " % of raw, int8 " << 100 * codes << " % of float32");
}

TEST_CASE("an archive depends on nothing but the files") {
    const TemporaryFolder folder;
    write_matrix_model<float>(folder / "model.onnx", 0.5, 0.02);
    packed_size(folder, folder / "model.onnx", 1);
    const std::string one = content(folder / "model.mcz");
    packed_size(folder, folder / "model.onnx", 4);
    CHECK(content(folder / "model.mcz") == one);
}

TEST_CASE("external data comes back under its name") {
    const TemporaryFolder folder, other;
    write_matrix_model<float>(folder / "model.onnx", 0.0, 0.02, ExternalData::Always);
    const fs::path data = load_model(folder / "model.onnx")->external_files.at(0);
    const std::string name = data.filename().string();
    pack_files({{"model.onnx", folder / "model.onnx"}, {name, data}}, folder / "model.mcz", {});
    const ArchiveSummary summary = unpack_files(folder / "model.mcz", other / "other.onnx", {});
    CHECK(summary.files.size() == 2);
    CHECK(content(other / "other.onnx") == content(folder / "model.onnx"));
    CHECK(content(other / name) == content(data));
    CHECK(load_model(other / "other.onnx")->graph->constants().size() == 1);
}

TEST_CASE("damaged archives end in an error, never in other bytes") {
    const TemporaryFolder folder;
    write_matrix_model<float>(folder / "model.onnx", 0.9, 0.02);
    packed_size(folder, folder / "model.onnx");
    const std::string whole = content(folder / "model.mcz"), model = content(folder / "model.onnx");
    std::mt19937 random(3);
    const auto damaged = [&](const std::string& bytes) {
        const fs::path archive = folder.write("damaged.mcz", bytes);
        const std::string code = code_of(archive, folder / "out.onnx");
        if (code.empty()) CHECK(content(folder / "out.onnx") == model);  // a bit that says nothing
        else CHECK((code == codes::kModelTruncated.id || code == codes::kNotOnnx.id || code == codes::kTooLarge.id));
    };
    for (std::size_t size = 0; size < 200; ++size) damaged(whole.substr(0, size));
    for (int cut = 0; cut < 100; ++cut) damaged(whole.substr(0, random() % whole.size()));
    for (int flip = 0; flip < 300; ++flip) {
        std::string bytes = whole;
        const std::size_t at = flip < 150 ? random() % 300 : random() % bytes.size();
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8);
        damaged(bytes);
    }
    damaged(whole + "x");
}

TEST_CASE("hostile archives are refused before they take memory or leave the folder") {
    const TemporaryFolder folder;
    const std::string digest(32, '0');
    const auto refused = [&](const std::vector<PackedFile>& files, const std::string& payload, const UnpackOptions& options = {}) {
        return code_of(folder.write("hostile.mcz", archive_with(write_index(files), payload)), folder / "out.onnx", options);
    };
    const Transform& plain = *find_transform(0);
    PackedFile empty{.name = "m.onnx", .size = 0, .digest = digest, .rest = {}, .pieces = {}};
    for (const char* name : {"../up.data", "/tmp/absolute.data", "a/../../up.data", "c:data", "a\\b", "", "..", "."}) {
        INFO(name);
        PackedFile data = empty;
        data.name = name;
        CHECK(refused({empty, data}, "") == codes::kExternalData.id);
    }
    PackedFile data = empty;
    data.name = "x.data";
    CHECK(refused({empty, data, data}, "") == codes::kExternalData.id);
    PackedFile large{.name = "m.onnx", .size = kLargestPiece + 1, .digest = digest, .rest = {}, .pieces = {}};
    large.pieces.push_back({.gap = 0, .size = kLargestPiece + 1, .width = 1, .transform = &plain, .streams = {{1, 1}}});
    CHECK(refused({large}, "x") == codes::kModelTruncated.id);
    // As many pieces as there are may be, each of them zeros that compress to nothing.
    const std::string zeros(kLargestPiece, '\0');
    const std::string packed = zstd_compress(std::as_bytes(std::span(zeros)), 19);
    PackedFile bomb{.name = "m.onnx", .size = 0, .digest = digest, .rest = {}, .pieces = {}};
    std::string payload;
    for (int piece = 0; piece < 100; ++piece) {
        bomb.size += kLargestPiece;
        bomb.pieces.push_back(
            {.gap = 0, .size = kLargestPiece, .width = 1, .transform = &plain, .streams = {{kLargestPiece, packed.size()}}});
        payload += packed;
    }
    CHECK(refused({bomb}, payload, {.max_bytes = 1 << 30}) == codes::kTooLarge.id);
    PackedFile wide = bomb;  // streams that are larger than what they make
    wide.pieces.resize(1);
    wide.pieces[0].size = 8;
    wide.size = 8;
    CHECK(refused({wide}, packed) == codes::kModelTruncated.id);
    PackedFile gap{.name = "m.onnx", .size = 8, .digest = digest, .rest = {}, .pieces = {}};
    gap.pieces.push_back({.gap = 1000, .size = 8, .width = 1, .transform = &plain, .streams = {{8, 8}}});
    CHECK(refused({gap}, "12345678") == codes::kModelTruncated.id);
    CHECK_FALSE(fs::exists(folder / "out.onnx"));
    CHECK_FALSE(fs::exists(folder.path().parent_path() / "up.data"));
}

TEST_CASE("transforms give back what they took apart") {
    std::mt19937 random(11);
    for (const Transform& transform : all_transforms())
        for (const std::size_t width : {1U, 2U, 4U, 8U})
            for (const std::size_t count : {0U, 1U, 7U, 8U, 9U, 1000U})
                for (const unsigned distinct : {1U, 3U, 300U, 1U << 30}) {
                    std::vector<std::byte> bytes(count * width);
                    for (std::size_t index = 0; index < count; ++index) {
                        const std::uint64_t value = random() % 3 == 0 ? 0 : std::uint64_t{random() % distinct} * 0x9E3779B97F4A7C15U;
                        std::memcpy(bytes.data() + index * width, &value, width);
                    }
                    const auto streams = transform.split(bytes, width);
                    if (streams.empty()) continue;
                    INFO(transform.name << ", " << count << " of " << width);
                    std::vector<std::byte> back(bytes.size(), std::byte{0xAA});
                    CHECK(transform.join(streams, width, back));
                    CHECK(back == bytes);
                    auto cut = streams;
                    if (!cut.back().empty()) {
                        cut.back().pop_back();
                        CHECK_FALSE(transform.join(cut, width, back));
                    }
                    CHECK_FALSE(transform.join({}, width, back));
                }
}

TEST_CASE("every real model comes back byte for byte", "[accuracy]") {
    if (!fs::exists(assets() / "models")) {
        WARN("no assets folder (MCOMPRESS_ASSETS): nothing was tested");
        return;
    }
    for (const auto& entry : fs::directory_iterator(assets() / "models"))
        if (entry.path().extension() == ".onnx" && fs::file_size(entry.path()) < 3'000'000) {
            INFO(entry.path().string());
            const TemporaryFolder folder;
            CHECK(packed_size(folder, entry.path()) < fs::file_size(entry.path()));
        }
}
