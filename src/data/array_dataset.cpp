#include "data/array_dataset.h"

#include <atomic>

#include "support/error.h"

namespace mcompress {

namespace {

class ArrayDataset : public Dataset {
public:
    ArrayDataset(std::vector<NamedArray> arrays, SampleAxis axis, std::size_t size) : axis_(axis), size_(size) {
        for (NamedArray& array : arrays)
            arrays_.push_back({std::move(array.input), std::move(array.source), share(std::move(array.tensor))});
    }

    std::size_t size() const override { return size_; }

    Sample sample(std::size_t index) const override {
        MCOMPRESS_CHECK(index < size_);
        Sample result;
        for (const Source& array : arrays_)
            result.emplace_back(array.input, axis_ == SampleAxis::None ? *array.tensor : slice(array.tensor, index));
        return result;
    }

    std::string sample_name(std::size_t index) const override {
        return axis_ == SampleAxis::None ? arrays_.front().name : format("{}[{}]", arrays_.front().name, index);
    }

private:
    struct Source {
        std::string input;
        std::string name;
        std::shared_ptr<const Tensor> tensor;  // the owner of every slice
    };

    static std::shared_ptr<const Tensor> share(Tensor tensor) { return std::make_shared<const Tensor>(std::move(tensor)); }

    Tensor slice(const std::shared_ptr<const Tensor>& tensor, std::size_t index) const {
        Shape shape = tensor->shape();
        shape[0] = 1;
        const std::size_t bytes = packed_byte_size(tensor->dtype(), shape.element_count());
        const std::byte* const begin = tensor->bytes() + index * bytes;
        if (!tensor->is_view()) return Tensor::view(tensor->dtype(), std::move(shape), tensor, begin, bytes);
        // Samples of a mapped file are copied: a view would keep its pages, and in the end the whole file, in memory.
        Tensor copy = Tensor::from_bytes(tensor->dtype(), std::move(shape), {begin, bytes});
        const std::size_t mapped = bytes + kMappedAround;
        const std::size_t before = mapped_.fetch_add(mapped);
        if (before / kMappedAtOnce != (before + mapped) / kMappedAtOnce) tensor->release_pages();
        return copy;
    }

    static constexpr std::size_t kMappedAtOnce = std::size_t{1} << 20;
    // Linux maps what is cached of a file around a page that is touched (fault_around_bytes): samples that are small and in no order bring in more than they are.
    static constexpr std::size_t kMappedAround = std::size_t{64} << 10;

    SampleAxis axis_;
    std::size_t size_;
    std::vector<Source> arrays_;
    mutable std::atomic<std::size_t> mapped_{0};  // bytes
};

}  // namespace

std::unique_ptr<Dataset> make_array_dataset(std::vector<NamedArray> arrays, SampleAxis axis) {
    if (arrays.empty()) throw Error(codes::kDataEmpty, "there is no array", "give one array for each input of the model");
    for (std::size_t at = 0; at < arrays.size(); ++at)
        for (std::size_t other = 0; other < at; ++other)
            if (!arrays[at].input.empty() && arrays[at].input == arrays[other].input)
                throw Error(codes::kDataMismatch, format("there are two arrays for input '{}'", arrays[at].input), "give each input once");
    if (axis == SampleAxis::None) return std::make_unique<ArrayDataset>(std::move(arrays), axis, 1);
    for (const NamedArray& array : arrays)
        if (array.tensor.shape().rank() == 0)
            throw Error(codes::kDataInvalid, format("{} is a single number: it has no axis of samples", array.source),
                        "stack the samples along a leading axis");
    const std::int64_t size = arrays.front().tensor.shape()[0];
    for (const NamedArray& array : arrays)
        if (array.tensor.shape()[0] != size)
            throw Error(codes::kDataMismatch,
                        format("{} has {} samples, {} has {}", arrays.front().source, size, array.source, array.tensor.shape()[0]),
                        "the leading axis counts samples; if the arrays are one sample, say so");
    if (size == 0) throw Error(codes::kDataEmpty, format("{} has no sample", arrays.front().source), "give at least one sample");
    return std::make_unique<ArrayDataset>(std::move(arrays), axis, static_cast<std::size_t>(size));
}

}  // namespace mcompress
