#include "passes/golden_case.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "onnx/text.h"
#include "support/format.h"
#include "tensor/float16.h"

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

DType dtype_of_name(std::string_view name) {
    for (int number = 1; is_known_dtype(number); ++number)
        if (dtype_name(static_cast<DType>(number)) == name) return static_cast<DType>(number);
    throw std::runtime_error("unknown element type '" + std::string(name) + "'");
}

Tensor tensor_of(DType dtype, const Shape& shape, const std::vector<double>& values) {
    Tensor tensor(dtype, shape);
    if (static_cast<std::int64_t>(values.size()) != tensor.element_count())
        throw std::runtime_error("the number of values does not fit the shape");
    const auto put = [&](auto* data) {
        for (std::size_t at = 0; at < values.size(); ++at) data[at] = static_cast<std::remove_reference_t<decltype(*data)>>(values[at]);
    };
    switch (dtype) {
        case DType::Float32: put(tensor.mutable_data<float>()); break;
        case DType::Float64: put(tensor.mutable_data<double>()); break;
        case DType::Int64: put(tensor.mutable_data<std::int64_t>()); break;
        case DType::Int32: put(tensor.mutable_data<std::int32_t>()); break;
        case DType::Int8: put(tensor.mutable_data<std::int8_t>()); break;
        case DType::UInt8: put(tensor.mutable_data<std::uint8_t>()); break;
        case DType::Bool: put(tensor.mutable_data<std::uint8_t>()); break;
        case DType::Float16:
            for (std::size_t at = 0; at < values.size(); ++at)
                tensor.mutable_data<Float16>()[at] = to_float16(static_cast<float>(values[at]));
            break;
        default: throw std::runtime_error("constants of this type cannot be written out");
    }
    return tensor;
}

/// "float[8,3] random 1", "float[8] random 2 0.5 2", "float[] fill 3", "int64[2] = 1, 2"
Tensor read_constant(std::istringstream& words) {
    std::string type, dims, kind;
    std::getline(words >> std::ws, type, '[');
    std::getline(words, dims, ']');
    std::vector<std::int64_t> extents;
    std::istringstream dim_words(dims);
    for (std::string dim; std::getline(dim_words, dim, ',');) extents.push_back(std::stoll(dim));
    const Shape shape(extents);
    const DType dtype = dtype_of_name(type);
    words >> kind;
    if (kind == "random") {
        std::uint64_t seed = 0;
        ValueBounds bounds;
        if (!(words >> seed)) throw std::runtime_error("random wants a seed");
        if (double low = 0, high = 0; words >> low >> high) bounds = {low, high};
        return random_tensor(dtype, shape, seed, bounds);
    }
    std::vector<double> values;
    if (kind == "fill") {
        values.assign(static_cast<std::size_t>(shape.element_count()), std::stod(rest_of(words)));
    } else if (kind == "=") {
        std::istringstream list(rest_of(words));
        for (std::string value; std::getline(list, value, ',');) values.push_back(std::stod(value));
    } else {
        throw std::runtime_error("expected 'random SEED [LOW HIGH]', 'fill VALUE' or '= VALUE, …'");
    }
    return tensor_of(dtype, shape, values);
}

void read_directive(GoldenCase& golden, const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "opset") golden.opset = std::stoi(rest_of(words));
    else if (verb == "tolerance") golden.tolerance = std::stod(rest_of(words));
    else if (verb == "constant" || verb == "default") {
        const std::string name = label_of(words);
        (verb == "constant" ? golden.constants : golden.defaults).push_back({name, read_constant(words)});
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
        golden.scheme.exclude.push_back(rest_of(words));
    } else if (verb == "weights-only") {
        golden.scheme.activations = ActivationMode::Float;
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
