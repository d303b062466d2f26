#include "stamp_options.h"

#include <algorithm>

#include "data/data_digest.h"
#include "onnx/load.h"
#include "run_recipe.h"
#include "support/file.h"
#include "support/sha256.h"

namespace mcompress {

namespace {

constexpr std::string_view kNameSamples[] = {"data", "eval-data"};
constexpr std::string_view kNameFiles[] = {"calibration", "overrides", "labels"};

template <std::size_t N> bool is_among(const std::string_view (&names)[N], const std::string& name) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

void add_step(Sha256& digest, const RecipeStep& step) {
    digest.add_string(step.command);
    for (const RecipeOption& option : step.options) {
        if (is_among(kNameSamples, option.name)) continue;
        digest.add_string(option.name);
        digest.add_string(std::to_string(option.values.size()));
        for (const std::string& value : option.values)
            digest.add_string(is_among(kNameFiles, option.name) ? sha256_hex(MappedFile::open(value)->text()) : value);
    }
}

}  // namespace

std::string recipe_digest(const Recipe& effective) {
    Sha256 digest;
    for (const RecipeStep& step : effective.steps) add_step(digest, step);
    if (effective.validate) add_step(digest, *effective.validate);
    return digest.hex_digest();
}

std::shared_ptr<Stamp> begin_stamp(const std::filesystem::path& model, const Recipe& effective) {
    auto stamp = std::make_shared<Stamp>();
    stamp->tool = "mcompress " MCOMPRESS_VERSION;
    stamp->input = content_digest(model, load_model(model)->external_files);
    stamp->recipe = recipe_digest(effective);
    return stamp;
}

std::optional<Stamp> stamp_with(const GlobalOptions& global, std::initializer_list<const Dataset*> data) {
    if (!global.stamp) return std::nullopt;
    std::vector<std::string>& digests = global.stamp->data;
    for (const Dataset* samples : data)
        if (samples) digests.push_back(data_digest(*samples, thread_count(global)));
    std::sort(digests.begin(), digests.end());
    digests.erase(std::unique(digests.begin(), digests.end()), digests.end());
    return *global.stamp;
}

CommandRun with_stamp(CLI::App& app, CommandRun command, GlobalOptions& global) {
    auto is_asked = std::make_shared<bool>(false);
    app.add_flag(
        "--stamp", *is_asked,
        "Put into the model's metadata what made it of what: version, and digests of the result, the input, the data and the options");
    return [is_asked, &app, &global, command = std::move(command)] {
        if (*is_asked) {
            const Recipe recipe = recipe_of(app);
            global.stamp = begin_stamp(recipe.model, effective_recipe(recipe));
        }
        return command();
    };
}

}  // namespace mcompress
