#include <algorithm>
#include <map>

#include "ops/attributes.h"
#include "ops/matmul.h"
#include "support/plain_text.h"

namespace mcompress {

namespace {

MatrixOrder read_order(const Node& node, std::string_view name) {
    return flag_attribute(node, name, 0) ? MatrixOrder::Transposed : MatrixOrder::AsStored;
}

// Subscripts without blanks, an ellipsis as '.'.
std::string read_subscripts(const Node& node, std::string_view text) {
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char letter = text[at];
        if (letter == ' ') continue;
        if (text.substr(at, 3) == "...") {
            if (result.find('.') != std::string::npos) reject_attribute(node, "equation", "has two ellipses in one term");
            result += '.';
            at += 2;
        } else if (is_letter(letter)) {
            result += letter;
        } else {
            reject_attribute(node, "equation", format("holds the character '{}'", letter));
        }
    }
    return result;
}

// Without "->": the ellipsis, then every letter that occurs once, in alphabetical order.
std::string implicit_output(const std::vector<std::string>& inputs) {
    std::map<char, int> counts;
    for (const std::string& term : inputs)
        for (const char letter : term) ++counts[letter];
    std::string output;
    if (counts.erase('.') != 0) output += '.';
    for (const auto& [letter, count] : counts)
        if (count == 1) output += letter;
    return output;
}

}  // namespace

GemmAttrs GemmAttrs::read(const Node& node) {
    GemmAttrs attrs;
    attrs.alpha = float_attribute(node, "alpha", 1.0F);
    attrs.beta = float_attribute(node, "beta", 1.0F);
    attrs.a = read_order(node, "transA");
    attrs.b = read_order(node, "transB");
    return attrs;
}

EinsumAttrs EinsumAttrs::read(const Node& node) {
    const std::string equation = string_attribute(node, "equation", {});
    if (equation.empty()) reject_attribute(node, "equation", "is missing");
    EinsumAttrs attrs;
    const std::size_t arrow = equation.find("->");
    std::string_view left = std::string_view(equation).substr(0, arrow);
    while (true) {
        const std::size_t comma = left.find(',');
        attrs.inputs.push_back(read_subscripts(node, left.substr(0, comma)));
        if (comma == std::string_view::npos) break;
        left.remove_prefix(comma + 1);
    }
    if (arrow == std::string::npos) attrs.output = implicit_output(attrs.inputs);
    else attrs.output = read_subscripts(node, std::string_view(equation).substr(arrow + 2));
    std::string seen;
    for (const char letter : attrs.output) {
        if (seen.find(letter) != std::string::npos) reject_attribute(node, "equation", format("has '{}' twice in the output", letter));
        seen += letter;
        const bool is_given = std::any_of(attrs.inputs.begin(), attrs.inputs.end(),
                                          [&](const std::string& term) { return term.find(letter) != std::string::npos; });
        if (!is_given) reject_attribute(node, "equation", format("has '{}' in the output but in no input", letter));
    }
    return attrs;
}

}  // namespace mcompress
