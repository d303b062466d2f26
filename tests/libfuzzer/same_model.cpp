#include "libfuzzer/same_model.h"

#include <algorithm>

#include "ir/fingerprint.h"
#include "ir/print.h"
#include "libfuzzer/target.h"
#include "support/format.h"

namespace mcompress::fuzzing {

namespace {

/// Everything about values that print() leaves out.
std::string described(const Model& model) {
    std::string text = print(*model.graph);
    for_each_graph(*model.graph, [&](Graph& graph) {
        const auto add = [&](const Value* value) {
            if (value)
                text += format("\n{}: {}{}, {} and {} bytes more", value->name(), value->type().to_string(),
                               value->is_declared() ? ", declared" : "", value->extra().size(), value->type().extra.size());
        };
        for (const Value* value : graph.inputs()) add(value);
        for (const Value* value : graph.constants()) add(value);
        for (const Node* node : graph.order())
            for (const Value* value : node->outputs()) add(value);
        text += format("\n{} bytes more of the graph", graph.extra().size());
    });
    return text;
}

std::string line_at(const std::string& text, std::size_t at) {
    const std::size_t begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
    return text.substr(begin, std::min(text.find('\n', at), begin + 300) - begin);
}

}  // namespace

void require_same(const Model& before, const Model& after, std::string_view when) {
    if (fingerprint(before) == fingerprint(after)) return;
    const std::string a = described(before), b = described(after);
    const auto at = static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
    report_broken(format("the fingerprint changes {}: '{}' becomes '{}'", when, line_at(a, std::min(at, a.size())),
                         line_at(b, std::min(at, b.size()))));
}

}  // namespace mcompress::fuzzing
