#include "passes/quantize/dynamic_quantizers.h"

namespace mcompress {

Node* DynamicQuantizers::of(Value* value, const Node* reader) {
    Graph& graph = reader->graph();
    Node*& quantizer = quantizers_[{&graph, value}];
    if (quantizer) return quantizer;
    for (const Use& use : value->uses())
        if (use.node->is("DynamicQuantizeLinear") && &use.node->graph() == &graph) return quantizer = use.node;
    const std::string& name = value->name();
    quantizer = graph.add_node({.op_type = "DynamicQuantizeLinear",
                                .inputs = {value},
                                .name = name + "_quantize",
                                .outputs = {name + "_q", name + "_s", name + "_z"}},
                               reader);
    const std::optional<Dims> dims = value->type().dims;
    graph.set_type(quantizer->output(0), dims ? ValueType::tensor(DType::UInt8, *dims) : ValueType::tensor(DType::UInt8));
    graph.set_type(quantizer->output(1), ValueType::tensor(DType::Float32, Shape{}));
    graph.set_type(quantizer->output(2), ValueType::tensor(DType::UInt8, Shape{}));
    return quantizer;
}

}  // namespace mcompress
