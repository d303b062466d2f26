#include "tune/rescale_channels.h"

#include <map>
#include <set>

#include "passes/constant_values.h"
#include "passes/rewriter.h"

namespace mcompress {

namespace {

bool changes(const std::vector<int>& channels, const std::vector<double>& factors) {
    for (const int channel : channels)
        if (channel >= 0 && factors[static_cast<std::size_t>(channel)] != 1.0) return true;
    return false;
}

void multiply(std::vector<double>& values, const ChannelConstant& constant, const std::vector<double>& factors) {
    std::vector<std::int64_t> at(constant.dims.size(), 0);
    std::int64_t index = 0;
    for (double& value : values) {
        const int channel = constant.channels[static_cast<std::size_t>(index)];
        if (channel >= 0) {
            const double factor = factors[static_cast<std::size_t>(channel)];
            value = constant.direction == ScaleDirection::Along ? value * factor : value / factor;
        }
        for (std::size_t axis = at.size(); axis-- > 0;) {
            index += constant.strides[axis];
            if (++at[axis] < constant.dims[axis]) break;
            index -= constant.strides[axis] * constant.dims[axis];
            at[axis] = 0;
        }
    }
}

std::string rescaled_name(const std::string& name) { return name + std::string(kRescaledSuffix); }

template <typename Said> void follow(const Graph& graph, std::map<std::string, Said>& by_name) {
    std::map<std::string, Said> renamed;
    for (auto at = by_name.begin(); at != by_name.end();) {
        const auto each = at++;
        if (graph.find_value(each->first) || !graph.find_value(rescaled_name(each->first))) continue;
        auto taken = by_name.extract(each);
        taken.key() = rescaled_name(taken.key());
        renamed.insert(std::move(taken));
    }
    by_name.merge(renamed);
}

}  // namespace

bool rescale_channels(Graph& graph, const ChannelGroups& groups, const std::vector<double>& factors) {
    std::map<std::pair<const Node*, int>, std::vector<double>> changed;
    std::vector<const ChannelConstant*> order;
    for (const ChannelConstant& constant : groups.constants) {
        if (!changes(constant.channels, factors)) continue;
        const Tensor& tensor = *known_tensor(constant.node->input(constant.input));
        const auto [found, is_new] = changed.try_emplace({constant.node, constant.input});
        if (is_new) {
            found->second = *doubles_of(tensor);
            order.push_back(&constant);
        }
        multiply(found->second, constant, factors);
    }
    for (const auto& [place, values] : changed)
        if (!is_finite_as(DType::Float32, values)) return false;
    for (const ChannelConstant* constant : order) {
        const Value* value = constant->node->input(constant->input);
        const Tensor& tensor = *known_tensor(value);
        put_constant(constant->node, constant->input,
                     tensor_of_doubles(DType::Float32, tensor.shape(), changed.at({constant->node, constant->input})),
                     rescaled_name(value->name()));
    }
    for (const ChannelGroup& group : groups.groups)
        for (const ChannelAxis& axis : group.axes)
            if (changes(axis.channels, factors)) {
                Value* value = axis.value->producer()->output(axis.value->output_index());
                graph.rename(value, graph.unique_name(rescaled_name(value->name())));
            }
    return true;
}

void follow_rescaled_names(const Graph& graph, QuantizationScheme& scheme) {
    follow(graph, scheme.activation_dtypes);
    follow(graph, scheme.activation_symmetries);
}

}  // namespace mcompress
