#include "pipeline/inspect_sizes.h"

#include <algorithm>
#include <cmath>

#include "pack/archive.h"
#include "pipeline/pack_model.h"
#include "pipeline/summarize.h"
#include "support/parallel.h"
#include "tensor/compare.h"

namespace mcompress {

namespace {

constexpr std::size_t kSmallest = 1024;

std::size_t width_of(DType dtype) {
    const int bits = dtype_bits(dtype);
    return bits >= 16 ? static_cast<std::size_t>(bits) / 8 : 1;
}

/// Block by block: a tensor may be as large as the model, and need not be aligned in its file.
std::int64_t count_zeros(const Tensor& tensor) {
    constexpr std::int64_t kBlock = std::int64_t{1} << 20;
    const std::size_t block_bytes = packed_byte_size(tensor.dtype(), kBlock);
    std::int64_t zeros = 0;
    for (std::int64_t at = 0; at < tensor.element_count(); at += kBlock) {
        const std::size_t begin = static_cast<std::size_t>(at / kBlock) * block_bytes;
        const std::span rest{tensor.stored_bytes() + begin, tensor.byte_size() - begin};
        const std::int64_t count = std::min(kBlock, tensor.element_count() - at);
        const auto values = to_floats(Tensor::from_bytes(tensor.dtype(), Shape{count}, rest.first(std::min(rest.size(), block_bytes))));
        zeros += std::count(values.begin(), values.end(), 0.0F);
    }
    return zeros;
}

/// The node that computes with a constant: what is behind a DequantizeLinear or a Cast.
const Node* reader_of(const Value& value) {
    const Node* node = value.uses().empty() ? nullptr : value.uses()[0].node;
    while (node && (node->is("DequantizeLinear") || node->is("Cast")) && node->output(0) && !node->output(0)->uses().empty())
        node = node->output(0)->uses()[0].node;
    return node;
}

}  // namespace

SizeReport inspect_sizes(const Model& model, const std::filesystem::path& path, int threads) {
    SizeReport report;
    report.model = summarize(model, path);
    std::vector<const Value*> values;
    for_each_graph(*model.graph, [&](Graph& each) {
        for (const Value* value : each.constants())
            if (const Tensor* tensor = value->constant(); tensor && tensor->dtype() != DType::String && tensor->byte_size() >= kSmallest)
                values.push_back(value);
    });
    report.constants.resize(values.size());
    parallel_for(values.size(), threads, [&](int, std::size_t index) {
        const Value& value = *values[index];
        const Tensor& tensor = *value.constant();
        const Node* reader = reader_of(value);
        report.constants[index] = {value.name(),
                                   reader ? reader->display_name() : "",
                                   reader ? reader->op_type() : "",
                                   value.type().to_string(),
                                   tensor.element_count(),
                                   count_zeros(tensor),
                                   tensor.byte_size(),
                                   packed_tensor_size({tensor.stored_bytes(), tensor.byte_size()}, width_of(tensor.dtype()), report.level)};
        tensor.release_pages();  // they are not needed again
    });
    std::stable_sort(report.constants.begin(), report.constants.end(),
                     [](const ConstantSize& a, const ConstantSize& b) { return a.bytes > b.bytes; });
    const ArchiveSummary archive = estimate_archive(files_of_model(path), {.level = report.level, .threads = threads});
    report.bytes = archive.bytes;
    report.packed = archive.packed;
    return report;
}

}  // namespace mcompress
