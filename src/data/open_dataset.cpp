#include "data/open_dataset.h"

#include <algorithm>

#include "data/npy_file.h"
#include "support/error.h"

namespace mcompress {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kKinds =
    "give a .npy or .npz file, a=x.npy,b=y.npy, a folder of JPEG or PNG images, or a folder of test_data_set_*/input_0.pb";

std::unique_ptr<Dataset> open_file(const fs::path& path, const DataOptions& options) {
    std::vector<NamedArray> arrays;
    if (path.extension() == ".npy") {
        arrays.push_back({"", path.filename().string(), read_npy(path)});
    } else if (path.extension() == ".npz") {
        for (auto& [name, tensor] : read_npz(path, options.npz_limit))
            arrays.push_back({name, format("{}:{}", path.filename().string(), name), std::move(tensor)});
        if (arrays.empty()) throw Error(codes::kDataEmpty, format("{} holds no array", path.string()), std::string(kKinds));
    } else {
        throw Error(codes::kDataInvalid, format("{} is not a kind of data file mcompress knows", path.string()), std::string(kKinds));
    }
    return make_array_dataset(std::move(arrays), options.axis);
}

std::unique_ptr<Dataset> open_folder(const fs::path& path, const DataOptions& options) {
    if (has_tensor_files(path)) {
        if (!options.read_tensor)
            throw Error(codes::kDataInvalid, format("{} holds ONNX tensors, which cannot be read here", path.string()),
                        std::string(kKinds));
        return make_tensor_folder_dataset(path, options.read_tensor);
    }
    if (has_images(path)) {
        if (!options.preprocess)
            throw Error(codes::kUsage, format("{} holds images, but nothing says how to prepare them", path.string()),
                        "add --preset imagenet, another preset, or options such as --resize and --mean");
        return make_image_dataset(path, *options.preprocess, "", options.max_pixels);
    }
    for (const auto& entry : fs::directory_iterator(path))
        if (entry.is_directory() && (has_images(entry.path()) || has_tensor_files(entry.path())))
            throw Error(codes::kDataEmpty,
                        format("{} holds no samples itself, but its folder '{}' does", path.string(), entry.path().filename().string()),
                        "name the folder that holds the files directly");
    throw Error(codes::kDataEmpty, format("{} holds no samples", path.string()), std::string(kKinds));
}

/// "a=x.npy,b=y.npy" or "x.npy,y.npy".
std::unique_ptr<Dataset> open_list(std::string_view list, const DataOptions& options) {
    std::vector<NamedArray> arrays;
    while (!list.empty()) {
        const std::size_t end = std::min(list.find(','), list.size());
        const std::string_view item = list.substr(0, end);
        list.remove_prefix(std::min(list.size(), end + 1));
        const std::size_t equals = item.find('=');
        const std::string input(equals == std::string_view::npos ? std::string_view() : item.substr(0, equals));
        const fs::path path(equals == std::string_view::npos ? item : item.substr(equals + 1));
        if (path.extension() != ".npy")
            throw Error(codes::kDataInvalid, format("'{}' is not a .npy file", path.string()),
                        "in a list a=x.npy,b=y.npy every file is a .npy");
        arrays.push_back({input, path.filename().string(), read_npy(path)});
    }
    return make_array_dataset(std::move(arrays), options.axis);
}

}  // namespace

std::unique_ptr<Dataset> open_dataset(const std::string& path, const DataOptions& options) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (fs::is_directory(status)) return open_folder(path, options);
    if (!fs::exists(status) && path.find_first_of(",=") != std::string::npos) return open_list(path, options);
    if (!fs::exists(status)) throw Error(codes::kFileMissing, format("{} does not exist", path), std::string(kKinds));
    return open_file(path, options);
}

}  // namespace mcompress
