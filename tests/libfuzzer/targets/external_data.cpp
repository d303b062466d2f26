// External data: what is read lies in the model's folder and is what the file holds there, whatever the model names.
#include <onnx/onnx_pb.h>
#include <sys/stat.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "libfuzzer/model_mutator.h"
#include "libfuzzer/same_model.h"
#include "libfuzzer/targets/targets.h"
#include "onnx/data_files.h"
#include "onnx/emit.h"
#include "onnx/load.h"

namespace mcompress::fuzzing {

namespace {

namespace fs = std::filesystem;
using onnx::TensorProto;
using testing::Random;

constexpr std::string_view kSecret = "OUTSIDE!";  // what lies outside the folder is full of it

fs::path model_folder() { return scratch_folder() / "model"; }
fs::path outside() { return scratch_folder() / "outside"; }

std::string pattern(std::size_t count, unsigned seed) {
    std::string bytes(count, '\0');
    for (std::size_t at = 0; at < count; ++at) bytes[at] = static_cast<char>((at * 7 + seed) & 0xff);
    return bytes;
}

void write(const fs::path& path, const std::string& content) { std::ofstream(path, std::ios::binary) << content; }

std::string content_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Places that exist, places that must not be reached, and ways to write both.
constexpr const char* kLocations[] = {"w.bin",
                                      "sub/w.bin",
                                      "./w.bin",
                                      "sub/../w.bin",
                                      "sub//w.bin",
                                      "empty.bin",
                                      "link_inside",
                                      "sub/link_up",
                                      "missing.bin",
                                      "",
                                      "../outside/secret.bin",
                                      "sub/../../outside/secret.bin",
                                      "link_outside",
                                      "link_folder/secret.bin",
                                      "link_chain",
                                      "loop",
                                      "pipe",
                                      "sub",
                                      ".",
                                      "..",
                                      "/etc/passwd",
                                      "w.bin/",
                                      "w.bin/../w.bin",
                                      "\\..\\w.bin",
                                      "C:w.bin",
                                      "sub/./../sub/w.bin",
                                      "../model/w.bin",
                                      "..model",
                                      "link_model/w.bin",
                                      "SUB/w.bin",
                                      "w.bin\0x"};
constexpr const char* kNumbers[] = {"",
                                    "0",
                                    "1",
                                    "4",
                                    "8",
                                    "16",
                                    "64",
                                    "248",
                                    "252",
                                    "256",
                                    "257",
                                    "-1",
                                    "-4",
                                    "4 ",
                                    " 4",
                                    "0x4",
                                    "4.0",
                                    "+4",
                                    "18446744073709551615",
                                    "18446744073709551612",
                                    "9223372036854775807",
                                    "9223372036854775808",
                                    "99999999999999999999999",
                                    "4096",
                                    "abc"};
constexpr const char* kKeys[] = {"location", "offset", "length", "checksum", "basepath", "Location", ""};

/// All initializers, of bodies too.
void collect_tensors(onnx::GraphProto& graph, std::vector<TensorProto*>& tensors) {
    for (TensorProto& tensor : *graph.mutable_initializer()) tensors.push_back(&tensor);
    for (auto& node : *graph.mutable_node())
        for (auto& attribute : *node.mutable_attribute()) {
            if (attribute.has_t()) tensors.push_back(attribute.mutable_t());
            if (attribute.has_g()) collect_tensors(*attribute.mutable_g(), tensors);
        }
}

/// The bytes the entries name, read the plain way; nothing when anything about them is unusual.
std::optional<std::string> plain_bytes(const TensorProto& proto, std::size_t wanted) {
    std::string location, offset;
    for (const auto& entry : proto.external_data()) {
        if (entry.key() == "location") location = entry.value();
        if (entry.key() == "offset") offset = entry.value();
    }
    offset.erase(0, std::min(offset.find_first_not_of('0'), offset.size()));
    if (offset.size() > 9 || offset.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
    const std::string content = content_of(model_folder() / location);
    const std::size_t at = offset.empty() ? 0 : std::stoul(offset);
    if (at > content.size() || wanted > content.size() - at) return std::nullopt;
    return content.substr(at, wanted);
}

void check_tensor(const Tensor& tensor, const TensorProto& proto) {
    const std::string bytes(reinterpret_cast<const char*>(tensor.stored_bytes()), tensor.byte_size());
    auto expected = plain_bytes(proto, bytes.size());
    require(expected.has_value(), "tensor '" + proto.name() + "' has bytes that its file has not");
    // Every byte but 0 is true, and is read as 1.
    if (tensor.dtype() == DType::Bool)
        for (char& each : *expected) each = each != 0 ? 1 : 0;
    require(bytes == *expected, "tensor '" + proto.name() + "' is not what its file holds");
}

void check_constants(const Graph& graph, const onnx::GraphProto& proto) {
    for (const TensorProto& initializer : proto.initializer()) {
        if (initializer.data_location() != TensorProto::EXTERNAL) continue;
        const Value* value = graph.find_value(initializer.name());
        if (value && value->constant()) check_tensor(*value->constant(), initializer);
    }
}

/// Written with its data beside it and read again it is the same model.
void check_round_trip(const Model& model) {
    const fs::path folder = scratch_folder() / "written";
    fs::create_directories(folder);
    if (!is_accepted(
            [&] { (void)emit_model(model, folder / "again.onnx", {.external_data = ExternalData::Always, .external_threshold = 0}); }))
        return;
    must("a model that was written with external data", [&] {
        const auto again = load_model(folder / "again.onnx");
        require_same(model, *again, "by external data");
        return 0;
    });
    fs::remove_all(folder);
}

void prepare_external_data() {
    const fs::path folder = model_folder();
    fs::create_directories(folder / "sub");
    fs::create_directories(outside());
    write(folder / "w.bin", pattern(256, 1));
    write(folder / "sub" / "w.bin", pattern(512, 2));
    write(folder / "empty.bin", "");
    std::string secret;
    while (secret.size() < 512) secret += kSecret;
    write(outside() / "secret.bin", secret);
    fs::create_symlink("w.bin", folder / "link_inside");
    fs::create_symlink("../w.bin", folder / "sub" / "link_up");
    fs::create_symlink(outside() / "secret.bin", folder / "link_outside");
    fs::create_symlink(outside(), folder / "link_folder");
    fs::create_symlink("link_outside", folder / "link_chain");
    fs::create_symlink("loop", folder / "loop");
    fs::create_symlink(folder, folder / "link_model");
    ::mkfifo((folder / "pipe").c_str(), 0600);
}

void try_external_data(std::span<const std::byte> input) {
    const fs::path path = scratch_file("model/model.onnx", input);
    (void)data_files_of(path);
    // The same bytes as what a data set holds.
    (void)is_accepted([&] { (void)load_tensor(path); });
    for (const auto kind : {ValueType::Kind::Sequence, ValueType::Kind::Optional}) (void)is_accepted([&] { (void)load_value(path, kind); });
    std::unique_ptr<Model> model;
    if (!is_accepted([&] { model = load_model(path); })) return;
    const fs::path folder = fs::canonical(model_folder());
    for (const fs::path& file : model->external_files) {
        const std::string real = fs::canonical(file).string();
        require(real.starts_with(folder.string() + "/"), "a file outside the model's folder was opened: " + real);
    }
    onnx::ModelProto proto;
    if (!proto.ParsePartialFromArray(input.data(), static_cast<int>(input.size()))) return;
    check_constants(*model->graph, proto.graph());
    const bool has_secret =
        std::string_view(reinterpret_cast<const char*>(input.data()), input.size()).find(kSecret) != std::string_view::npos;
    std::string bytes;
    if (is_accepted([&] { bytes = emit_model_bytes(*model); }) && !has_secret)
        require(bytes.find(kSecret) == std::string::npos, "bytes from outside the model's folder are in the result");
    if (!model->external_files.empty()) check_round_trip(*model);
}

std::size_t mutate_external_data(const Mutation& mutation) {
    Random random(mutation.seed);
    onnx::ModelProto model;
    if (random.chance(5) || !model.ParsePartialFromArray(mutation.data, static_cast<int>(mutation.size)))
        return mutation.bytes(mutation.data, mutation.size, mutation.most);
    const auto below = [&](std::size_t bound) { return static_cast<int>(random.next() % bound); };
    if (random.chance(15)) mutate_model(model, random.next());
    std::vector<TensorProto*> tensors;
    collect_tensors(*model.mutable_graph(), tensors);
    if (tensors.empty()) tensors.push_back(model.mutable_graph()->add_initializer());
    TensorProto& tensor = *tensors[static_cast<std::size_t>(below(tensors.size()))];
    const auto set = [&](const char* key, const std::string& value) {
        for (auto& entry : *tensor.mutable_external_data())
            if (entry.key() == key && !random.chance(10)) return entry.set_value(value);
        auto& entry = *tensor.add_external_data();
        entry.set_key(key);
        entry.set_value(value);
    };
    switch (below(9)) {
        case 0:
            tensor.set_data_location(random.chance(90) ? TensorProto::EXTERNAL : TensorProto::DEFAULT);
            tensor.clear_raw_data(), tensor.clear_float_data(), tensor.clear_int32_data(), tensor.clear_int64_data();
            set("location", "w.bin");
            break;
        case 1:
        case 2: set("location", kLocations[below(std::size(kLocations))]); break;
        case 3: set("offset", random.chance(50) ? std::to_string(below(600)) : kNumbers[below(std::size(kNumbers))]); break;
        case 4: set("length", random.chance(50) ? std::to_string(4 * below(70)) : kNumbers[below(std::size(kNumbers))]); break;
        case 5: set(kKeys[below(std::size(kKeys))], kNumbers[below(std::size(kNumbers))]); break;
        case 6: tensor.add_dims(below(9) == 0 ? std::int64_t{1} << below(63) : below(9)); break;
        case 7: tensor.clear_dims(), tensor.add_dims(below(80)); break;
        default: {  // characters of a location or number
            if (tensor.external_data().empty()) break;
            std::string& text =
                *tensor.mutable_external_data(below(static_cast<std::size_t>(tensor.external_data_size())))->mutable_value();
            static constexpr char kCharacters[] = "/.\\09-sw:\0~";
            const char c = kCharacters[below(sizeof kCharacters)];
            if (text.empty() || random.chance(50)) text.insert(text.begin() + below(text.size() + 1), c);
            else text[static_cast<std::size_t>(below(text.size()))] = c;
        }
    }
    if (const auto size = store(model, mutation)) return *size;
    return mutation.bytes(mutation.data, mutation.size, mutation.most);
}

}  // namespace

const Target external_data_target{"external_data", try_external_data, mutate_external_data, prepare_external_data};

}  // namespace mcompress::fuzzing
