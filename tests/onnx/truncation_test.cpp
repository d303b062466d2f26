// Models that end too early: at each of the first bytes, and then at every hundredth of the file.
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>

#include "catch.h"
#include "fixtures/assets.h"
#include "fixtures/published_models.h"
#include "models.h"
#include "support/file.h"

using namespace mcompress;
using namespace mcompress::testing;

namespace {

constexpr std::size_t kEveryByte = 4096;
constexpr std::size_t kPublished = 14;
constexpr const char* kReal[] = {"kws_dscnn_fp32.onnx", "yunet_n_320.onnx",       "q_espcn_subpixel_qonnx.onnx",
                                 "rnnoise_gru.onnx",    "stories260k_llama.onnx", "mobilenet_v2_torchvision.onnx"};

/// The published models, from small to large, at even steps; then real ones where there are any.
std::vector<std::filesystem::path> models() {
    std::set<std::pair<std::uintmax_t, std::filesystem::path>> published;
    for (const PublishedModel& model : published_models()) published.emplace(std::filesystem::file_size(model.file()), model.file());
    std::vector<std::filesystem::path> chosen;
    if (published.empty()) return chosen;
    for (std::size_t at = 0; at < kPublished; ++at)
        chosen.push_back(std::next(published.begin(), static_cast<std::ptrdiff_t>((published.size() - 1) * at / (kPublished - 1)))->second);
    for (const char* name : kReal)
        if (const auto path = assets() / "models" / name; std::filesystem::exists(path)) chosen.push_back(path);
    return chosen;
}

std::vector<std::size_t> cuts(std::size_t size) {
    std::vector<std::size_t> lengths;
    for (std::size_t length = 0; length < std::min(size, kEveryByte); ++length) lengths.push_back(length);
    for (std::size_t share = 1; share < 100; ++share)
        if (const std::size_t length = size / 100 * share; length >= kEveryByte) lengths.push_back(length);
    return lengths;
}

/// What protobuf says of the bytes: a model ends where a field of its own ends, and then it is one that merely says less.
bool is_complete(std::string_view bytes) {
    onnx::ModelProto proto;
    return proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) && proto.has_graph() && proto.opset_import_size() > 0;
}

struct Sweep {
    std::size_t refused = 0;
    std::size_t complete = 0;
};

void try_cut(const MappedFile& file, std::size_t length, Sweep& sweep) {
    // A copy of just that size: what reads beyond it is seen by the sanitizer.
    const auto bytes = std::make_shared<const std::string>(file.text().substr(0, length));
    try {
        load_model_bytes(std::as_bytes(std::span(*bytes)), bytes, file.path().parent_path());
        ++sweep.complete;
        if (!is_complete(*bytes)) FAIL_CHECK(file.path().string() << ", cut to " << length << " bytes, was accepted");
    } catch (const Error& error) {
        ++sweep.refused;
        if (error.kind() != ErrorKind::Model || error.message().empty())
            FAIL_CHECK(file.path().string() << ", cut to " << length << " bytes: " << error.what());
    }
}

}  // namespace

TEST_CASE("models cut off anywhere are refused as such, unless what is left is complete") {
    Sweep sweep;
    const auto chosen = models();
    for (const auto& path : chosen) {
        const auto file = MappedFile::open(path);
        for (const std::size_t length : cuts(file->size())) try_cut(*file, length, sweep);
    }
    std::cout << format("truncation: {} models, {} cuts refused, {} complete all the same\n", chosen.size(), sweep.refused, sweep.complete);
    if (!chosen.empty()) {
        CHECK(sweep.refused > 500 * chosen.size());
        CHECK(sweep.complete * 20 < sweep.refused);
    }
}
