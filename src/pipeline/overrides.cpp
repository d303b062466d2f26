#include "pipeline/overrides.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <vector>

#include "ir/qualified_name.h"
#include "passes/quantize/quantization_plan.h"
#include "pipeline/strict_json.h"
#include "support/error.h"
#include "support/file.h"
#include "support/nearest.h"
#include "tune/rescale_channels.h"

namespace mcompress {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(const std::string& message, const std::string& remedy) { throw Error(codes::kUsage, message, remedy); }

float bound_of(const Json& json) {
    if (!json.is_number()) refuse(format("a bound is {}", json.dump()), "bounds are numbers");
    const auto bound = static_cast<float>(json.get<double>());
    if (!std::isfinite(bound)) refuse(format("{} is no bound", json.dump()), "bounds are finite as 32-bit floats");
    return bound;
}

DType dtype_of(const Json& json) {
    constexpr DType kTypes[] = {DType::UInt8, DType::Int8, DType::UInt16, DType::Int16};
    std::string known;
    for (const DType dtype : kTypes) {
        if (json.is_string() && json.get_ref<const std::string&>() == dtype_name(dtype)) return dtype;
        known += (known.empty() ? "" : ", ") + std::string(dtype_name(dtype));
    }
    refuse(format("activations are not quantized to {}", json.dump()), "use one of: " + known);
}

Symmetry symmetry_of(const Json& json) {
    if (!json.is_boolean()) refuse(format("symmetric is {}", json.dump()), "it is true or false");
    return json.get<bool>() ? Symmetry::Symmetric : Symmetry::Asymmetric;
}

/// The range of "range", or of "min" and "max"; nothing when there is none of them.
std::optional<ValueRange> range_of(const Json& entry) {
    const bool has_min = entry.contains("min"), has_max = entry.contains("max"), has_range = entry.contains("range");
    if (!has_min && !has_max && !has_range) return std::nullopt;
    if (has_min != has_max || has_range == has_min)
        refuse("half a range, or two", "give either \"range\": [min, max] or both \"min\" and \"max\"");
    if (has_range && (!entry["range"].is_array() || entry["range"].size() != 2))
        refuse(format("range is {}", entry["range"].dump()), "it is [min, max]");
    const ValueRange range = has_range ? ValueRange{bound_of(entry["range"][0]), bound_of(entry["range"][1])}
                                       : ValueRange{bound_of(entry["min"]), bound_of(entry["max"])};
    if (!(range.min < range.max)) refuse(format("nothing lies between {} and {}", range.min, range.max), "min is below max");
    return range;
}

ValueOverride override_of(const Json& entry) {
    if (!entry.is_object()) refuse(format("{} in place of an object", entry.dump()), R"(write {"range": [min, max]})");
    const std::vector<std::string> keys{"range", "min", "max", "dtype", "symmetric"};
    for (const auto& [key, value] : entry.items()) {
        if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
        const std::string nearest = nearest_word(key, keys);
        refuse(format("there is no key '{}'", key),
               nearest.empty() ? "known are range, min, max, dtype, symmetric" : format("did you mean '{}'?", nearest));
    }
    if (entry.empty()) refuse("nothing is overridden", "give a range, a dtype or a symmetry");
    ValueOverride result{.range = range_of(entry), .dtype = {}, .symmetry = {}};
    if (entry.contains("dtype")) result.dtype = dtype_of(entry["dtype"]);
    if (entry.contains("symmetric")) result.symmetry = symmetry_of(entry["symmetric"]);
    return result;
}

/// A report shows rescaled values under new names.
std::string without_rescaled_suffix(const std::string& name) {
    return name.ends_with(kRescaledSuffix) ? name.substr(0, name.size() - kRescaledSuffix.size()) : name;
}

}  // namespace

Overrides overrides_from_json(std::string_view text) {
    const Json json = parse_strict_json(text, "the list of overrides");
    if (!json.is_object()) refuse("the overrides are no object", R"(write {"value": {"range": [min, max]}})");
    Overrides overrides;
    for (const auto& each : json.items())
        with_context([&] { return format("value '{}'", each.key()); }, [&] { overrides[each.key()] = override_of(each.value()); });
    return overrides;
}

Overrides load_overrides(const std::filesystem::path& path) {
    const auto file = MappedFile::open(path);
    return with_context([&] { return format("while reading {}", path.string()); }, [&] { return overrides_from_json(file->text()); });
}

void apply_overrides(const Overrides& overrides, QuantizationScheme& scheme) {
    for (const auto& [name, each] : overrides) {
        if (each.range) scheme.ranges[name] = *each.range;
        if (each.dtype) scheme.activation_dtypes[name] = *each.dtype;
        if (each.symmetry) scheme.activation_symmetries[name] = *each.symmetry;
    }
}

void check_overrides(const Graph& graph, const Overrides& overrides, const QuantizationScheme& scheme) {
    if (overrides.empty()) return;
    if (scheme.activations != ActivationMode::Static)
        throw Error(codes::kUsage, "overrides of values need activations with fixed parameters", "give --data or --calibration");
    const QuantizationPlan plan = plan_quantization(graph, scheme);
    std::vector<std::string> known;
    std::unordered_set<std::string> observed, derived;
    for (const ObservedValue& each : plan.observed) observed.insert(known.emplace_back(qualified_name(*each.value)));
    for (const auto& [node, rule] : plan.units)
        if (rule->role == QuantizedRole::Concat) derived.insert(qualified_name(*node->output(0)));
    for (const auto& [name, each] : overrides) {
        const std::string original = without_rescaled_suffix(name);
        if (!observed.contains(name) && !derived.contains(name) && !observed.contains(original) && !derived.contains(original)) {
            const std::string nearest = nearest_word(name, known);
            throw Error(codes::kUsage, format("no quantizer is placed on a value '{}'", name),
                        nearest.empty() ? "name what a quantized operator reads or writes, after its activation"
                                        : format("did you mean '{}'?", nearest));
        }
        if (each.range && !observed.contains(name) && !observed.contains(original))
            throw Error(codes::kUsage, format("the range of '{}' is the union of the ranges it joins", name), "override those");
    }
}

void check_rescaled_overrides(const Graph& graph, const Overrides& overrides) {
    for (const auto& [name, each] : overrides) {
        const std::string original = without_rescaled_suffix(name);
        if (original != name && !graph.find_value(name) && graph.find_value(original))
            throw Error(codes::kUsage, format("there is no '{}': the channels of '{}' keep their scale", name, original),
                        format("override '{}'; its range is in the float model's numbers", original));
    }
}

}  // namespace mcompress
