#include "passes/compress/body_links.h"

#include <algorithm>

#include "ops/control_flow.h"

namespace mcompress {

namespace {

/// `count` pairs that begin at (first, second).
std::vector<std::pair<int, int>> pairs(int first, int second, int count) {
    std::vector<std::pair<int, int>> result;
    for (int index = 0; index < count; ++index) result.emplace_back(first + index, second + index);
    return result;
}

BodyLinks link(Graph* body, const Node& node, int first_input, int first_body_input, int first_body_output) {
    const int inputs = std::min(node.input_count() - first_input, static_cast<int>(body->inputs().size()) - first_body_input);
    const int outputs = std::min(node.output_count(), static_cast<int>(body->outputs().size()) - first_body_output);
    return {body, pairs(first_input, first_body_input, inputs), pairs(first_body_output, 0, outputs)};
}

}  // namespace

std::vector<BodyLinks> body_links(const Node& node) {
    std::vector<BodyLinks> links;
    if (node.is("If")) {
        for (Graph* body : node.subgraphs()) links.push_back(link(body, node, node.input_count(), 0, 0));
    } else if (node.is("Loop")) {
        links.push_back(link(attrs<LoopAttrs>(node).body, node, 2, 2, 1));
    } else if (node.is("Scan")) {
        const ScanAttrs scan = attrs<ScanAttrs>(node);
        links.push_back(link(scan.body, node, scan.first_state(), 0, 0));
    }
    return links;
}

}  // namespace mcompress
