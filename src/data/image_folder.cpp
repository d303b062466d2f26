#include "data/image_folder.h"

#include <algorithm>

#include "support/error.h"
#include "support/file.h"

namespace mcompress {

namespace {

bool is_image_name(std::string name) {
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return !name.starts_with('.') && (name.ends_with(".jpg") || name.ends_with(".jpeg") || name.ends_with(".png"));
}

std::vector<std::string> list_images(const std::filesystem::path& folder) {
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        std::string name = at->path().filename().string();
        if (is_image_name(name) && !at->is_directory()) names.push_back(std::move(name));
    }
    if (error)
        throw Error(codes::kFileUnreadable, format("{} cannot be listed: {}", folder.string(), error.message()), "check the permissions");
    std::sort(names.begin(), names.end());
    return names;
}

class ImageDataset : public Dataset {
public:
    ImageDataset(std::filesystem::path folder, std::vector<std::string> names, PreprocessSpec spec, std::string input,
                 std::int64_t max_pixels)
        : folder_(std::move(folder)), names_(std::move(names)), spec_(std::move(spec)), input_(std::move(input)), max_pixels_(max_pixels) {}

    std::size_t size() const override { return names_.size(); }
    std::string sample_name(std::size_t index) const override { return names_.at(index); }

    Sample sample(std::size_t index) const override {
        const auto file = MappedFile::open(folder_ / names_.at(index));
        const std::string what = file->path().string();
        const Image image = decode_image({file->data(), file->size()}, decoded_color(spec_), what, max_pixels_);
        return with_context(what, [&] { return Sample{{input_, preprocess(image, spec_)}}; });
    }

private:
    std::filesystem::path folder_;
    std::vector<std::string> names_;
    PreprocessSpec spec_;
    std::string input_;
    std::int64_t max_pixels_;
};

}  // namespace

bool has_images(const std::filesystem::path& folder) { return !list_images(folder).empty(); }

std::unique_ptr<Dataset> make_image_dataset(const std::filesystem::path& folder, PreprocessSpec spec, std::string input,
                                            std::int64_t max_pixels) {
    auto names = list_images(folder);
    if (names.empty())
        throw Error(codes::kDataEmpty, format("{} has no .jpg, .jpeg or .png file", folder.string()),
                    "name the folder that holds the images");
    return std::make_unique<ImageDataset>(folder, std::move(names), std::move(spec), std::move(input), max_pixels);
}

}  // namespace mcompress
