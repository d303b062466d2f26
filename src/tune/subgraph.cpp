#include "tune/subgraph.h"

#include "ir/clone.h"
#include "passes/pipelines.h"
#include "support/check.h"

namespace mcompress {

std::unique_ptr<Graph> extract_subgraph(const Graph& graph, std::span<const std::string> inputs, std::span<const std::string> outputs) {
    std::unique_ptr<Graph> part = clone(graph);
    std::vector<Value*> wanted;
    for (const std::string& name : outputs) {
        wanted.push_back(part->find_value(name));
        MCOMPRESS_CHECK(wanted.back());
    }
    while (!part->outputs().empty()) part->erase_output(0);
    for (const std::string& name : inputs) {
        Value* computed = part->find_value(name);
        MCOMPRESS_CHECK(computed);
        if (computed->is_graph_input()) continue;
        part->rename(computed, part->unique_name(name + "_computed"));
        Value* given = part->add_input(name, computed->type());
        part->replace_all_uses(computed, given);
        for (Value*& value : wanted)
            if (value == computed) value = given;
    }
    for (Value* value : wanted) part->add_output(value);
    run_pipeline("sweep", *part, {});
    const std::vector<Value*> all(part->inputs().begin(), part->inputs().end());
    for (Value* input : all)
        if (input->is_unused()) part->erase(input);
    return part;
}

}  // namespace mcompress
