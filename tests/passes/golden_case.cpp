#include "passes/golden_case.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "fixtures/text_tensor.h"
#include "onnx/text.h"
#include "quant/target.h"
#include "support/format.h"

namespace mcompress::testing {

namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& line, const std::string& why) {
    throw std::runtime_error(path.string() + ": '" + line + "': " + why);
}

std::string rest_of(std::istringstream& words) {
    std::string text;
    std::getline(words >> std::ws, text);
    return text;
}

/// The word before the ':'.
std::string label_of(std::istringstream& words) {
    std::string label;
    std::getline(words >> std::ws, label, ':');
    return label;
}

template <typename Name, std::size_t kCount> Name read_name(std::istringstream& words, const Name (&all)[kCount]) {
    std::string name;
    words >> name;
    for (const Name each : all)
        if (name_of(each) == name) return each;
    throw std::runtime_error("no such name: " + name);
}

/// "BITS BLOCK ROUNDING ZERO-POINTS FORM"
WeightOnlyScheme read_weight_only(std::istringstream& words) {
    constexpr WeightRounding kRoundings[] = {WeightRounding::Nearest, WeightRounding::Hqq, WeightRounding::Gptq};
    constexpr ZeroPoints kZeroPoints[] = {ZeroPoints::None, ZeroPoints::Integer, ZeroPoints::Real};
    constexpr WeightForm kForms[] = {WeightForm::MatMulNBits, WeightForm::DequantizeLinear};
    WeightOnlyScheme scheme;
    if (!(words >> scheme.bits >> scheme.block)) throw std::runtime_error("expected 'weight-only BITS BLOCK ROUNDING ZERO-POINTS FORM'");
    scheme.rounding = read_name(words, kRoundings);
    scheme.zero_points = read_name(words, kZeroPoints);
    scheme.form = read_name(words, kForms);
    return scheme;
}

DType code_type(const std::string& name) {
    for (const DType dtype : {DType::UInt8, DType::Int8, DType::UInt16, DType::Int16})
        if (dtype_name(dtype) == name) return dtype;
    throw std::runtime_error("no such type of codes");
}

void read_directive(GoldenCase& golden, const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "opset") golden.opset = std::stoi(rest_of(words));
    else if (verb == "tolerance") golden.tolerance = std::stod(rest_of(words));
    else if (verb == "constant" || verb == "default") {
        const std::string name = label_of(words);
        (verb == "constant" ? golden.constants : golden.defaults).push_back({name, read_tensor(rest_of(words))});
    } else if (verb == "dim") {
        std::string symbol = label_of(words);
        golden.dims[symbol == "?" ? "" : symbol] = std::stoll(rest_of(words));
    } else if (verb == "range") {
        ValueBounds& bounds = golden.bounds[label_of(words)];
        if (!(words >> bounds.low >> bounds.high)) throw std::runtime_error("expected 'range INPUT: LOW HIGH'");
    } else if (verb == "observed") {
        TensorStatistics& statistics = golden.calibration.values[label_of(words)];
        std::vector<float> values;
        for (float value = 0; words >> value;) values.push_back(value);
        statistics.add_sample(values);
        golden.calibration.samples = 1;
    } else if (verb == "exclude") {
        const std::string node = rest_of(words);
        golden.scheme.exclude.push_back(node);
        golden.float_conversion.keep[node] = "excluded by name";
    } else if (verb == "convert-to") {
        const std::string name = rest_of(words);
        golden.float_conversion.to = name == "float16" ? DType::Float16 : name == "bfloat16" ? DType::BFloat16 : DType::Float32;
    } else if (verb == "convert-interface") {
        golden.float_conversion.interface = FloatConversion::Interface::Convert;
    } else if (verb == "max-overflow") {
        golden.float_conversion.max_overflow = std::stoll(rest_of(words));
    } else if (verb == "target") {
        golden.scheme = scheme_for(find_target(rest_of(words)));
    } else if (verb == "activations") {
        golden.scheme.activation_dtype = code_type(rest_of(words));
    } else if (verb == "symmetric") {
        golden.scheme.activation_symmetry = Symmetry::Symmetric;
    } else if (verb == "value-type") {
        const std::string name = label_of(words);
        golden.scheme.activation_dtypes[name] = code_type(rest_of(words));
    } else if (verb == "value-symmetric") {
        golden.scheme.activation_symmetries[rest_of(words)] = Symmetry::Symmetric;
    } else if (verb == "value-range") {
        ValueRange& range = golden.scheme.ranges[label_of(words)];
        if (!(words >> range.min >> range.max)) throw std::runtime_error("expected 'value-range VALUE: MIN MAX'");
    } else if (verb == "weights-only") {
        golden.scheme.activations = ActivationMode::Float;
    } else if (verb == "weight-only") {
        golden.scheme.activations = ActivationMode::Float;
        golden.scheme.weight_only = read_weight_only(words);
    } else if (verb == "not-executed:" && !rest_of(words).empty()) {
        golden.is_executed = false;
    } else {
        throw std::runtime_error("no such directive");
    }
}

}  // namespace

GoldenCase GoldenCase::read(const std::filesystem::path& path) {
    GoldenCase golden;
    golden.path = path;
    golden.pass = path.parent_path().filename().string();
    for (char& c : golden.pass)
        if (c == '_') c = '-';
    std::ifstream file(path);
    std::string* section = &golden.header;
    for (std::string line; std::getline(file, line);) {
        if (line == "--- before") section = &golden.before;
        else if (line == "--- after") section = &golden.after;
        else if (line == "--- skipped") section = &golden.skipped;
        else *section += line + "\n";
        if (section != &golden.header || line.empty() || line[0] == '#') continue;
        try {
            read_directive(golden, line);
        } catch (const std::exception& error) {
            refuse(path, line, error.what());
        }
    }
    if (golden.before.empty()) refuse(path, "--- before", "the section is missing");
    return golden;
}

std::unique_ptr<Model> GoldenCase::make_model() const {
    // The parser knows no initializers: constants come in as Constant nodes that are replaced afterwards.
    std::string text = before;
    std::string placeholders;
    for (const Constant& constant : constants) placeholders += " " + constant.name + " = Constant <value_int = 0> ()\n";
    text.insert(text.find('{', text.find("=>")) + 1, "\n" + placeholders);
    if (text[0] != '<') text = format("<ir_version: 8, opset_import: [\"\" : {}]>\n", opset) + text;
    auto model = parse_model(text);
    Graph& graph = *model->graph;
    for (const Constant& constant : constants) {
        Value* placeholder = graph.find_value(constant.name);
        Value* value = graph.add_constant("placeholder", constant.value);
        graph.replace_all_uses(placeholder, value);
        graph.erase(placeholder->producer());
        graph.rename(value, constant.name);
    }
    for (const Constant& each : defaults) graph.set_initializer(graph.find_value(each.name), each.value);
    return model;
}

std::string GoldenCase::rendered(const std::string& new_after, const std::string& new_skipped) const {
    return header + "--- before\n" + before + "--- after\n" + new_after + "--- skipped\n" + new_skipped;
}

}  // namespace mcompress::testing
