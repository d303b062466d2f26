#include "onnx/load.h"

#include <climits>

#include "onnx/build_model.h"
#include "onnx/reduce.h"
#include "support/error.h"
#include "support/file.h"
#include "support/mapped_files.h"

namespace mcompress {

namespace {

void parse_reduced(google::protobuf::MessageLite& message, const std::string& bytes) {
    if (bytes.size() > INT_MAX)
        fail(codes::kTooLarge, "the model without its weights takes {} bytes; protobuf's limit is 2 GiB", bytes.size());
    if (!message.ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size())))
        throw Error(codes::kModelTruncated, "the model cannot be parsed: it is damaged", "download or export the file again");
}

LoadedModel load(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, ExternalFiles& external) {
    onnx::ModelProto proto;
    ReducedMessage reduced = reduce_model(bytes);
    parse_reduced(proto, reduced.bytes);
    std::string().swap(reduced.bytes);
    LoadedModel loaded = build_model(proto, {&reduced.raw, std::move(owner), &external});
    loaded.model->external_files = external.opened();
    return loaded;
}

LoadedModel load_file(const std::filesystem::path& path) {
    const auto file = MappedFile::open(path);
    // A cache may keep a model as a link beside links to its data; the link's own folder and the file's own folder both count.
    std::vector<std::filesystem::path> folders{path.parent_path()};
    std::error_code error;
    if (const auto real = std::filesystem::canonical(path, error); !error) folders.push_back(real.parent_path());
    ExternalFiles external(std::move(folders));
    // What contradicts itself because it was being written is not blamed on the model.
    try {
        LoadedModel loaded = load({file->data(), file->size()}, file, external);
        check_mapped_files();
        return loaded;
    } catch (const Error&) {
        check_mapped_files();
        throw;
    }
}

std::unique_ptr<Model> sound(LoadedModel loaded) {
    throw_if_any(loaded.findings);
    return std::move(loaded.model);
}

}  // namespace

LoadedModel examine_model(const std::filesystem::path& path) {
    return with_context(format("while loading {}", path.string()), [&] { return load_file(path); });
}

std::unique_ptr<Model> load_model(const std::filesystem::path& path) {
    return with_context(format("while loading {}", path.string()), [&] { return sound(load_file(path)); });
}

LoadedModel examine_model_bytes(std::span<const std::byte> bytes, std::shared_ptr<const void> owner, const std::filesystem::path& folder) {
    ExternalFiles external(folder.empty() ? std::vector<std::filesystem::path>{} : std::vector{folder});
    return load(bytes, std::move(owner), external);
}

std::unique_ptr<Model> load_model_bytes(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                                        const std::filesystem::path& folder) {
    return sound(examine_model_bytes(bytes, std::move(owner), folder));
}

Tensor load_tensor(const std::filesystem::path& path, std::string* name) {
    return with_context(format("while loading {}", path.string()), [&] {
        const auto file = MappedFile::open(path);
        const ReducedMessage reduced = reduce_tensor({file->data(), file->size()});
        onnx::TensorProto proto;
        parse_reduced(proto, reduced.bytes);
        ExternalFiles external({path.parent_path()});
        Tensor tensor = take_tensor(proto, {&reduced.raw, file, &external});
        if (name) *name = proto.name();
        return tensor;
    });
}

}  // namespace mcompress
