#include "ir/print.h"

#include "support/format.h"
#include "support/hash.h"
#include "tensor/float16.h"

namespace mcompress {

namespace {

template <typename T> std::string number(T value) {
    if constexpr (std::is_floating_point_v<T>) return format("{:.9g}", value);
    else return std::to_string(value);
}

template <typename T> std::string listed(const Tensor& tensor) {
    std::string text;
    for (const T value : tensor.values<T>()) text += (text.empty() ? "" : ", ") + number(value);
    return text;
}

std::string halves(const Tensor& tensor) {
    std::string text;
    for (const Float16 value : tensor.values<Float16>()) text += (text.empty() ? "" : ", ") + number(to_float(value));
    return text;
}

std::string elements(const Tensor& tensor, const PrintOptions& options) {
    if (tensor.dtype() == DType::String) {
        std::string text;
        for (const auto& each : tensor.strings()) text += (text.empty() ? "\"" : ", \"") + each + "\"";
        return text;
    }
    if (static_cast<std::size_t>(tensor.element_count()) <= options.max_elements) {
        switch (tensor.dtype()) {
            case DType::Float32: return listed<float>(tensor);
            case DType::Float64: return listed<double>(tensor);
            case DType::Int64: return listed<std::int64_t>(tensor);
            case DType::Int32: return listed<std::int32_t>(tensor);
            case DType::Int16: return listed<std::int16_t>(tensor);
            case DType::Int8: return listed<std::int8_t>(tensor);
            case DType::UInt8: return listed<std::uint8_t>(tensor);
            case DType::UInt16: return listed<std::uint16_t>(tensor);
            case DType::Bool: return listed<std::uint8_t>(tensor);
            case DType::Float16: return halves(tensor);
            default: break;
        }
    }
    Hasher hasher;
    hasher.add_bytes(tensor.stored_bytes(), tensor.byte_size());
    return "#" + hasher.hex_digest().substr(0, 16);
}

std::string tensor_text(const Tensor& tensor, const PrintOptions& options) {
    return format("{}{} {{{}}}", dtype_name(tensor.dtype()), tensor.shape().to_string(), elements(tensor, options));
}

class Printer {
public:
    explicit Printer(const PrintOptions& options) : options_(options) {}
    std::string text;

    void print_graph(const Graph& graph, int depth) {
        text += graph.name().empty() ? "graph" : graph.name();
        text += " (" + typed(graph.inputs()) + ") => (" + typed(graph.outputs()) + ")";
        const auto constants = graph.constants();
        if (!constants.empty()) {
            text += "\n" + indent(depth) + "<\n";
            for (const Value* value : constants)
                text += indent(depth + 1) + value->name() + " = " +
                        (value->constant() ? tensor_text(*value->constant(), options_) : "sparse " + value->type().to_string()) + "\n";
            text += indent(depth) + ">";
        }
        text += "\n" + indent(depth) + "{\n";
        for (const Node* node : graph.order()) print_node(*node, depth + 1);
        text += indent(depth) + "}";
    }

private:
    static std::string indent(int depth) { return std::string(static_cast<std::size_t>(depth) * 2, ' '); }

    static std::string typed(std::span<Value* const> values) {
        std::string list;
        for (const Value* value : values) list += (list.empty() ? "" : ", ") + value->type().to_string() + " " + value->name();
        return list;
    }

    static std::string names(std::span<Value* const> values) {
        std::string list;
        for (std::size_t at = 0; at < values.size(); ++at) list += (at > 0 ? ", " : "") + (values[at] ? values[at]->name() : std::string());
        return list;
    }

    void print_node(const Node& node, int depth) {
        text += indent(depth) + names(node.outputs()) + " = ";
        if (!node.domain().empty()) text += node.domain() + ".";
        text += node.op_type();
        if (!node.attributes().empty()) {
            text += " <";
            for (std::size_t at = 0; at < node.attributes().size(); ++at) {
                if (at > 0) text += ", ";
                text += node.attributes()[at].name + " = ";
                std::visit([&](const auto& value) { print_value(value, depth); }, node.attributes()[at].value);
            }
            text += ">";
        }
        text += " (" + names(node.inputs()) + ")\n";
    }

    void print_value(std::int64_t value, int) { text += std::to_string(value); }
    void print_value(float value, int) { text += number(value); }
    void print_value(const std::string& value, int) { text += "\"" + value + "\""; }
    void print_value(const Tensor& value, int) { text += tensor_text(value, options_); }
    void print_value(const std::shared_ptr<Graph>& value, int depth) { print_graph(*value, depth + 1); }
    void print_value(const OpaqueAttribute&, int) { text += "opaque"; }
    template <typename T> void print_value(const std::vector<T>& values, int depth) {
        text += '[';
        for (std::size_t at = 0; at < values.size(); ++at) {
            if (at > 0) text += ", ";
            print_value(values[at], depth);
        }
        text += ']';
    }

    const PrintOptions& options_;
};

}  // namespace

std::string print(const Graph& graph, const PrintOptions& options) {
    Printer printer(options);
    printer.print_graph(graph, 0);
    return printer.text + "\n";
}

}  // namespace mcompress
