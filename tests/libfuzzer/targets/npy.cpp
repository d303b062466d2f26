// NumPy's .npy: an array, or an Error; what was read is written as the same array.
#include <cstring>
#include <memory>

#include "data/npy_file.h"
#include "libfuzzer/targets/targets.h"

namespace mcompress::fuzzing {

namespace {

Tensor parse(const std::string& bytes) {
    const auto owner = std::make_shared<const std::string>(bytes);
    return parse_npy(owner, std::as_bytes(std::span(*owner)), "the input");
}

std::string written(const Tensor& tensor) {
    return npy_header(tensor.dtype(), tensor.shape()) + std::string(reinterpret_cast<const char*>(tensor.bytes()), tensor.byte_size());
}

void try_npy(std::span<const std::byte> input) {
    const std::string bytes(reinterpret_cast<const char*>(input.data()), input.size());
    Tensor tensor;
    if (!is_accepted([&] { tensor = parse(bytes); })) return;
    require(tensor.shape().element_count() == tensor.element_count(), "the shape does not count the elements");
    const NpyHeader header = parse_npy_header(input, "the input");
    require(header.data_offset + header.data_bytes() == input.size(), "the array does not end with the file");
    std::string again;
    if (!is_accepted([&] { again = written(tensor); })) {
        require(tensor.shape().rank() > 1000, "an array that was read cannot be written");  // numpy itself ends at 32 dimensions
        return;
    }
    must("an array that was written", [&] {
        const Tensor copy = parse(again);
        require(copy.equals(tensor), "the array changes by being written and read");
        require(written(copy) == again, "an array that was read again is written in other bytes");
        return 0;
    });
    if (tensor.dtype() == DType::Bool)
        for (const bool value : tensor.values<bool>()) require(value || !value, "a bool");  // UBSan looks at the byte
}

}  // namespace

const Target npy_target{"npy", try_npy, nullptr};

}  // namespace mcompress::fuzzing
