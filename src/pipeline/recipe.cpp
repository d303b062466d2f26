#include "pipeline/recipe.h"

#include <algorithm>

#include "pipeline/strict_json.h"
#include "report/model_json.h"
#include "support/error.h"
#include "support/file.h"
#include "support/nearest.h"

namespace mcompress {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSchema = "mcompress/recipe";
constexpr int kVersion = 1;

[[noreturn]] void refuse(const std::string& message, const std::string& remedy) { throw Error(codes::kRecipeInvalid, message, remedy); }

// Reserved for the recipe: a step reads what the step before wrote.
constexpr const char* kDecidedByRecipe[] = {"model", "output",  "force", "format",  "json",     "report",   "save-recipe",
                                            "stamp", "threads", "quiet", "verbose", "in-place", "in_place", "dry-run"};

std::string scalar_of(const std::string& key, const Json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number()) return value.dump();
    refuse(format("'{}' is {}", key, value.dump()), "an option is a string, a number, true, or a list of strings and numbers");
}

/// Nothing for false: a flag that is not given.
std::optional<RecipeOption> option_of(const std::string& key, const Json& value) {
    for (const char* reserved : kDecidedByRecipe)
        if (key == reserved)
            refuse(format("'{}' cannot be an option of a step", key),
                   "model and output stand beside the steps; the rest is said to mcompress run");
    if (value.is_boolean()) return value.get<bool>() ? std::optional(RecipeOption{key, {}}) : std::nullopt;
    if (!value.is_array()) return RecipeOption{key, {scalar_of(key, value)}};
    if (value.empty()) return std::nullopt;
    RecipeOption option{key, {}};
    for (const Json& each : value) option.values.push_back(scalar_of(key, each));
    return option;
}

std::vector<RecipeOption> options_of(const Json& json, const std::string& what, std::string_view skipped = {}) {
    if (!json.is_object()) refuse(format("{} is {}", what, json.dump()), "it is an object: option names and their values");
    std::vector<RecipeOption> options;
    for (const auto& [key, value] : json.items())
        if (key != skipped)
            if (auto option = option_of(key, value)) options.push_back(std::move(*option));
    return options;
}

RecipeStep step_of(const Json& json, std::size_t number) {
    const std::string what = format("step {}", number);
    if (!json.is_object() || !json.contains("command") || !json["command"].is_string())
        refuse(format("{} has no command", what), R"(write {"command": "quantize", "effort": "fast"})");
    return {json["command"].get<std::string>(), options_of(json, what, "command")};
}

std::string text_of(const Json& json, const char* key) {
    if (!json.contains(key)) return {};
    if (!json[key].is_string()) refuse(format("'{}' is {}", key, json[key].dump()), "it is a string");
    return json[key].get<std::string>();
}

bool is_true(const Json& json, const char* key) {
    if (!json.contains(key)) return false;
    if (!json[key].is_boolean()) refuse(format("'{}' is {}", key, json[key].dump()), "it is true or false");
    return json[key].get<bool>();
}

void check_keys(const Json& json) {
    const std::vector<std::string> known{"schema", "schema_version", "model", "output",  "options",
                                         "steps",  "validate",       "stamp", "in_place"};
    for (const auto& [key, value] : json.items()) {
        if (std::find(known.begin(), known.end(), key) != known.end()) continue;
        const std::string nearest = nearest_word(key, known);
        refuse(format("a recipe has no '{}'", key),
               nearest.empty() ? "known are schema, schema_version, model, output, options, steps, validate, stamp, in_place"
                               : format("did you mean '{}'?", nearest));
    }
    if (json.contains("schema") && json["schema"] != kSchema)
        refuse(format("the schema is {}", json["schema"].dump()), format("it is \"{}\"", kSchema));
    if (json.contains("schema_version") && json["schema_version"] != kVersion)
        refuse(format("schema_version is {}", json["schema_version"].dump()), format("this mcompress reads version {}", kVersion));
}

Json json_of(const std::vector<RecipeOption>& options) {
    Json json = Json::object();
    for (const RecipeOption& option : options) {
        if (option.values.empty()) json[option.name] = true;
        else if (option.values.size() == 1) json[option.name] = option.values.front();
        else json[option.name] = option.values;
    }
    return json;
}

}  // namespace

Recipe parse_recipe(std::string_view text) {
    const Json json = parse_strict_json(text, "the recipe");
    if (!json.is_object()) refuse("the recipe is no object", R"(write {"model": "a.onnx", "output": "b.onnx", "steps": [...]})");
    check_keys(json);
    Recipe recipe{.model = text_of(json, "model"),
                  .output = text_of(json, "output"),
                  .options = {},
                  .steps = {},
                  .validate = {},
                  .marks = {},
                  .placement = {}};
    if (json.contains("options")) recipe.options = options_of(json["options"], "options");
    if (!json.contains("steps") || !json["steps"].is_array() || json["steps"].empty())
        refuse("the recipe has no steps", R"(write "steps": [{"command": "quantize", ...}])");
    for (const Json& step : json["steps"]) recipe.steps.push_back(step_of(step, recipe.steps.size() + 1));
    if (json.contains("validate")) recipe.validate = RecipeStep{"validate", options_of(json["validate"], "validate")};
    if (is_true(json, "stamp")) recipe.marks = Marks::Stamp;
    if (is_true(json, "in_place")) recipe.placement = Placement::InPlace;
    if (recipe.placement == Placement::InPlace && !recipe.output.empty())
        refuse("'in_place' stands beside an 'output'", "leave one of them out");
    return recipe;
}

Recipe load_recipe(const std::filesystem::path& path) {
    const auto file = MappedFile::open(path);
    return with_context([&] { return format("while reading {}", path.string()); }, [&] { return parse_recipe(file->text()); });
}

std::string to_json(const Recipe& recipe) {
    Json json{{"schema", kSchema}, {"schema_version", kVersion}, {"model", recipe.model}};
    if (!recipe.output.empty()) json["output"] = recipe.output;
    if (!recipe.options.empty()) json["options"] = json_of(recipe.options);
    json["steps"] = Json::array();
    for (const RecipeStep& step : recipe.steps) {
        Json each{{"command", step.command}};
        each.update(json_of(step.options));
        json["steps"].push_back(std::move(each));
    }
    if (recipe.validate) json["validate"] = json_of(recipe.validate->options);
    if (recipe.marks == Marks::Stamp) json["stamp"] = true;
    if (recipe.placement == Placement::InPlace) json["in_place"] = true;
    return dump_json(json);
}

}  // namespace mcompress
