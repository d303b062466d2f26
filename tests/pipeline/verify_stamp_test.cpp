// Stamps: every changed byte of a model, its data file or the stamp itself is noticed.
#include "pipeline/verify_stamp.h"

#include <unistd.h>

#include <fstream>
#include <sstream>

#include "catch.h"
#include "onnx/emit.h"
#include "onnx/load.h"
#include "onnx/stamp.h"
#include "onnx/text.h"
#include "support/error.h"
#include "support/sha256.h"

using namespace mcompress;
namespace fs = std::filesystem;

namespace {

class Folder {
public:
    Folder() : path_(fs::temp_directory_path() / ("mcompress_stamp_" + std::to_string(::getpid()))) {
        fs::remove_all(path_);
        fs::create_directories(path_);
    }
    ~Folder() { fs::remove_all(path_); }
    fs::path operator/(const std::string& name) const { return path_ / name; }

private:
    fs::path path_;
};

std::string read(const fs::path& path) {
    std::stringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

void write(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

std::unique_ptr<Model> small_model() {
    auto model = parse_model(R"(<ir_version: 8, opset_import: ["" : 17]>
        agraph (float[1, 4] x) => (float[1, 4] y) <float[4, 4] w = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}> {
            z = MatMul(x, w)
            y = Relu(z)
        })");
    model->metadata.emplace_back("author", "someone");
    return model;
}

const Stamp kStamp{"mcompress 1.2.3", sha256_hex("input"), sha256_hex("recipe"), {sha256_hex("data"), sha256_hex("more data")}};

/// "match", "differs: a, b" or the error code.
std::string outcome(const VerifyStampRequest& request) {
    try {
        std::string different;
        for (const StampCheck& check : verify_stamp(request).checks)
            if (check.verdict() == StampCheck::Verdict::Differs) different += (different.empty() ? "differs: " : ", ") + check.name;
        return different.empty() ? "match" : different;
    } catch (const Error& error) {
        CHECK(static_cast<int>(error.kind()) == 3);
        return error.code().id;
    }
}

/// One of the stamp's fields, as protobuf writes it: tag 14, key and value.
std::string entry(const std::string& key, const std::string& value) {
    const auto text = [](char tag, const std::string& content) { return std::string{tag, static_cast<char>(content.size())} + content; };
    const std::string payload = text('\x0a', "mcompress.stamp." + key) + text('\x12', value);
    REQUIRE(payload.size() < 128);
    return text('\x72', payload);
}

}  // namespace

TEST_CASE("a stamp follows the bytes of the model and says what it was given") {
    const Folder folder;
    emit_model(*small_model(), folder / "plain.onnx");
    emit_model(*small_model(), folder / "stamped.onnx", {.stamp = &kStamp});
    const std::string plain = read(folder / "plain.onnx"), stamped = read(folder / "stamped.onnx");
    REQUIRE(stamped.starts_with(plain));
    CHECK(content_digest(folder / "plain.onnx", {}) == sha256_hex(plain));
    CHECK(content_digest(folder / "stamped.onnx", {}) == sha256_hex(plain));
    const auto sealed = read_stamp(folder / "stamped.onnx");
    REQUIRE(sealed);
    CHECK(sealed->model == sha256_hex(plain));
    CHECK(sealed->is_intact());
    CHECK(sealed->stamp.tool == kStamp.tool);
    CHECK(sealed->stamp.input == kStamp.input);
    CHECK(sealed->stamp.recipe == kStamp.recipe);
    CHECK(sealed->stamp.data == kStamp.data);
    CHECK(!read_stamp(folder / "plain.onnx"));
    const auto model = load_model(folder / "stamped.onnx");
    REQUIRE(model->metadata.size() == 8);
    CHECK(model->metadata[0] == std::pair<std::string, std::string>("author", "someone"));
    CHECK(model->metadata[1] == std::pair<std::string, std::string>("mcompress.stamp.version", "1"));
    drop_stamp(*model);
    emit_model(*model, folder / "again.onnx");
    CHECK(read(folder / "again.onnx") == plain);
}

TEST_CASE("a stamp is checked against what it names") {
    const Folder folder;
    emit_model(*small_model(), folder / "plain.onnx");
    const Stamp stamp{"mcompress 1.2.3", content_digest(folder / "plain.onnx", {}), kStamp.recipe, kStamp.data};
    emit_model(*small_model(), folder / "stamped.onnx", {.stamp = &stamp});
    const fs::path model = folder / "stamped.onnx";
    CHECK(outcome({.model = model, .input = {}}) == "match");
    CHECK(outcome({.model = model, .input = folder / "plain.onnx"}) == "match");
    CHECK(outcome({.model = model, .input = {}, .recipe = kStamp.recipe, .data = kStamp.data[1]}) == "match");
    CHECK(outcome({.model = model, .input = {}, .recipe = kStamp.recipe, .data = sha256_hex("x")}) == "differs: data");
    CHECK(outcome({.model = model, .input = {}, .recipe = sha256_hex("x")}) == "differs: recipe");
    auto other = small_model();
    other->metadata[0].second = "someone else";
    emit_model(*other, folder / "other.onnx");
    CHECK(outcome({.model = model, .input = folder / "other.onnx"}) == "differs: input");
    CHECK(outcome({.model = folder / "plain.onnx", .input = {}}) == codes::kStampMissing.id);
    const StampReport report = verify_stamp({.model = model, .input = {}, .recipe = sha256_hex("x")});
    CHECK(!report.matches());
    CHECK(to_text(describe(report)).find("FAILED: recipe differs") != std::string::npos);
    CHECK(to_json(report).find("\"matches\": false") != std::string::npos);
}

TEST_CASE("every changed bit of a stamped file is noticed") {
    const Folder folder;
    emit_model(*small_model(), folder / "stamped.onnx", {.stamp = &kStamp});
    const std::string stamped = read(folder / "stamped.onnx");
    std::map<std::string, int> outcomes;
    for (std::size_t at = 0; at < stamped.size(); ++at) {
        for (const int bit : {0, 3, 7}) {
            std::string changed = stamped;
            changed[at] = static_cast<char>(changed[at] ^ 1 << bit);
            write(folder / "changed.onnx", changed);
            const std::string found = outcome({.model = folder / "changed.onnx", .input = {}});
            INFO("byte " << at << " bit " << bit);
            CHECK(found != "match");
            ++outcomes[found];
        }
    }
    CHECK(outcomes["differs: model"] > 100);
    CHECK(outcomes["differs: stamp"] > 100);
    CHECK(outcomes[codes::kStampInvalid.id] > 100);
}

TEST_CASE("entries that are no stamp of this version are refused") {
    const Folder folder;
    emit_model(*small_model(), folder / "plain.onnx");
    const std::string plain = read(folder / "plain.onnx");
    const SealedStamp sealed = seal(kStamp, sha256_hex(plain));
    const std::string fields = stamp_fields(sealed);
    const auto outcome_of = [&](const std::string& bytes) {
        write(folder / "edited.onnx", bytes);
        return outcome({.model = folder / "edited.onnx", .input = {}});
    };
    const auto replaced = [&](const std::string& from, const std::string& to) {
        REQUIRE(fields.find(from) != std::string::npos);
        std::string text = fields;
        return plain + text.replace(text.find(from), from.size(), to);
    };
    CHECK(outcome_of(plain + fields) == "match");
    CHECK(outcome_of(fields + plain) == "match");  // fields of a message come in any order
    CHECK(outcome_of(plain + fields + entry("seal", sealed.seal)) == codes::kStampInvalid.id);
    CHECK(outcome_of(plain + fields + entry("note", "trust me")) == codes::kStampInvalid.id);
    CHECK(outcome_of(replaced(entry("seal", sealed.seal), "")) == codes::kStampInvalid.id);
    CHECK(outcome_of(replaced(entry("version", "1"), entry("version", "2"))) == codes::kStampInvalid.id);
    CHECK(outcome_of(replaced(sealed.stamp.recipe, std::string(64, 'A'))) == codes::kStampInvalid.id);
    CHECK(outcome_of(replaced(sealed.stamp.recipe, std::string(64, 'a'))) == "differs: stamp");
    CHECK(outcome_of(replaced("mcompress 1.2.3", "mcompress 1.2.4")) == "differs: stamp");
    // A field that protobuf skips would not be part of any digest.
    const std::string version = entry("version", "1");
    std::string padded = version + std::string("\x1a\x02hi");
    padded[1] = static_cast<char>(padded[1] + 4);
    CHECK(outcome_of(replaced(version, padded)) == codes::kStampInvalid.id);
}

TEST_CASE("data files are part of what is stamped") {
    const Folder folder;
    const EmitOptions options{.external_data = ExternalData::Always, .external_threshold = 16};
    EmitOptions stamping = options;
    stamping.stamp = &kStamp;
    emit_model(*small_model(), folder / "model.onnx", options);
    const std::string plain = read(folder / "model.onnx");
    const fs::path data = emit_model(*small_model(), folder / "model.onnx", stamping).data_file;
    REQUIRE(!data.empty());
    const auto sealed = read_stamp(folder / "model.onnx");
    REQUIRE(sealed);
    CHECK(sealed->model == sha256_hex(plain + read(data)));
    CHECK(outcome({.model = folder / "model.onnx", .input = {}}) == "match");
    const std::string weights = read(data);
    for (std::size_t at = 0; at < weights.size(); ++at) {
        std::string changed = weights;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        write(data, changed);
        CHECK(outcome({.model = folder / "model.onnx", .input = {}}) == "differs: model");
    }
}

TEST_CASE("the limit of one file counts the stamp") {
    std::string numbers = "0";
    for (int i = 1; i < 1024; ++i) numbers += ", " + std::to_string(i);
    const auto model =
        parse_model("<ir_version: 8, opset_import: [\"\" : 17]> agraph (float[1024] x) => (float[1024] y) <float[1024] w = {" + numbers +
                    "}> { y = Add(x, w) }");
    const Folder folder;
    const std::uint64_t plain = emit_model(*model, folder / "a.onnx").bytes;
    EmitOptions options{.single_file_limit = plain + 100};
    CHECK(emit_model(*model, folder / "b.onnx", options).data_file.empty());
    options.stamp = &kStamp;
    CHECK(!emit_model(*model, folder / "c.onnx", options).data_file.empty());
    CHECK(outcome({.model = folder / "c.onnx", .input = {}}) == "match");
}
