#include "pipeline/sensitivity_file.h"

#include <nlohmann/json.hpp>

#include "pipeline/json_integer.h"
#include "support/error.h"
#include "support/file.h"
#include "support/hash.h"

namespace mcompress {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSchema = "mcompress/sensitivity-state";
constexpr int kVersion = 1;

// Numbers in the order of the members; JSON numbers keep a double's every bit.
Json measure_json(const ErrorMeasure& measure) {
    return {measure.signal,       measure.noise,         measure.dot,   measure.candidate_energy,
            measure.max_absolute, measure.max_reference, measure.count, measure.not_finite};
}

ErrorMeasure measure_from(const Json& json) {
    if (json.size() != 8) fail(codes::kTableInvalid, "an error has {} numbers, 8 are expected", json.size());
    ErrorMeasure measure;
    measure.signal = json[0].get<double>();
    measure.noise = json[1].get<double>();
    measure.dot = json[2].get<double>();
    measure.candidate_energy = json[3].get<double>();
    measure.max_absolute = json[4].get<double>();
    measure.max_reference = json[5].get<double>();
    measure.count = integer_of<std::size_t>(json[6]);
    measure.not_finite = integer_of<std::size_t>(json[7]);
    return measure;
}

Json effect_json(const SourceEffect& effect) {
    Json outputs = Json::array();
    for (const ErrorMeasure& measure : effect.outputs.outputs) outputs.push_back(measure_json(measure));
    const ClassificationResult& classes = effect.outputs.classification;
    return {{"id", effect.id},
            {"samples", effect.outputs.samples},
            {"outputs", outputs},
            {"classifies", effect.outputs.classifies},
            {"rows", classes.rows},
            {"agreements", classes.agreements},
            {"divergence", classes.divergence},
            {"local", measure_json(effect.local)}};
}

SourceEffect effect_from(const Json& json) {
    SourceEffect effect;
    effect.id = json.at("id").get<std::string>();
    effect.outputs.samples = integer_of<std::size_t>(json.at("samples"));
    for (const Json& measure : json.at("outputs")) effect.outputs.outputs.push_back(measure_from(measure));
    effect.outputs.classifies = json.at("classifies").get<bool>();
    effect.outputs.classification.rows = integer_of<std::size_t>(json.at("rows"));
    effect.outputs.classification.agreements = integer_of<std::size_t>(json.at("agreements"));
    effect.outputs.classification.divergence = json.at("divergence").get<double>();
    effect.local = measure_from(json.at("local"));
    return effect;
}

}  // namespace

std::string digest_of(const Dataset& data) {
    Hasher hasher;
    for (std::size_t at = 0; at < data.size(); ++at) {
        for (const auto& [name, tensor] : data.sample(at)) {
            hasher.add_string(name);
            hasher.add_string(format("{} {}", dtype_name(tensor.dtype()), tensor.shape().to_string()));
            hasher.add_bytes(tensor.bytes(), tensor.byte_size());
        }
    }
    return hasher.hex_digest();
}

std::string effects_to_json(const SensitivityKey& key, const std::vector<SourceEffect>& effects) {
    Json json{{"schema", kSchema}, {"schema_version", kVersion}, {"quantized", key.quantized}, {"data", key.data}};
    json["effects"] = Json::array();
    for (const SourceEffect& effect : effects) json["effects"].push_back(effect_json(effect));
    return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::vector<SourceEffect> effects_from_json(std::string_view text, const SensitivityKey& key, std::string_view what) {
    std::vector<SourceEffect> effects;
    try {
        const Json json = Json::parse(text);
        if (json.at("schema") != kSchema || json.at("schema_version") != kVersion)
            throw Error(codes::kTableInvalid, format("{} is no sensitivity state of this version", what), "remove it");
        if (json.at("quantized") != key.quantized || json.at("data") != key.data)
            throw Error(codes::kTableMismatch, format("{} belongs to another model, other options or other data", what),
                        "remove it, or name another file");
        for (const Json& effect : json.at("effects")) effects.push_back(effect_from(effect));
    } catch (const Json::exception& error) {
        throw Error(codes::kTableInvalid, format("{} cannot be read: {}", what, error.what()), "remove it");
    }
    return effects;
}

void save_effects(const std::filesystem::path& path, const SensitivityKey& key, const std::vector<SourceEffect>& effects) {
    write_file_atomically(path, effects_to_json(key, effects));
}

std::vector<SourceEffect> load_effects(const std::filesystem::path& path, const SensitivityKey& key) {
    if (!std::filesystem::exists(path)) return {};
    return effects_from_json(MappedFile::open(path)->text(), key, path.string());
}

}  // namespace mcompress
