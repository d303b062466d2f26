#include "pipeline/pack_model.h"

#include "onnx/load.h"
#include "pack/tensor_spans.h"
#include "support/error.h"
#include "support/file.h"

namespace mcompress {

namespace fs = std::filesystem;

std::vector<PackInput> files_of_model(const fs::path& model) {
    std::vector<PackInput> files{{model.filename().string(), model}};
    const auto file = MappedFile::open(model);
    for (const auto& [location, spans] : find_tensor_spans({file->data(), file->size()}, 0).outside)
        files.push_back({location, model.parent_path() / location});
    return files;
}

PackReport pack_model(const fs::path& model, const fs::path& archive, const PackOptions& options) {
    (void)load_model(model);
    return {PackReport::Direction::Pack, model.string(), archive.string(), pack_files(files_of_model(model), archive, options)};
}

PackReport unpack_model(const fs::path& archive, const fs::path& model, const UnpackOptions& options) {
    return {PackReport::Direction::Unpack, model.string(), archive.string(), unpack_files(archive, model, options)};
}

}  // namespace mcompress
