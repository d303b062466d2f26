#include "engine/reference/pieces.h"

#include <algorithm>

#include "engine/reference/dispatch.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

/// Turns elements of any type into such as take whole bytes, and back: strings travel as indices, elements below 8 bits as bytes. Zero stays
/// zero; that of strings is the empty one.
class Mover {
public:
    explicit Mover(DType dtype) : dtype_(dtype) {}

    Tensor in(const Tensor& x) {
        if (is_packed()) return unpack_small(x);
        if (dtype_ != DType::String) return x;
        std::vector<std::int64_t> indices;
        for (const std::string& text : x.strings()) {
            indices.push_back(static_cast<std::int64_t>(texts_.size()));
            texts_.push_back(text);
        }
        return Tensor::from_values(x.shape(), indices);
    }

    Tensor out(Tensor x) const {
        if (is_packed()) return pack_small(x, dtype_);
        if (dtype_ != DType::String) return x;
        std::vector<std::string> values;
        for (const std::int64_t index : x.values<std::int64_t>()) values.push_back(texts_[static_cast<std::size_t>(index)]);
        return Tensor::from_strings(x.shape(), std::move(values));
    }

private:
    bool is_packed() const { return dtype_ != DType::String && dtype_bits(dtype_) < 8; }

    DType dtype_;
    std::vector<std::string> texts_{""};
};

Shape with_extent(Shape shape, int axis, std::int64_t extent) {
    shape[axis] = extent;
    return shape;
}

/// Copies `places` of an axis between tensors that differ in that axis only.
void copy_places(const Tensor& from, std::int64_t from_place, Tensor& to, std::int64_t to_place, std::int64_t places, int axis) {
    const Shape& shape = to.shape();
    const auto unit = static_cast<std::int64_t>(packed_byte_size(to.dtype(), shape.product(axis + 1, shape.rank())));
    const std::int64_t outer = shape.product(0, axis), from_row = from.shape()[axis] * unit, to_row = shape[axis] * unit;
    if (places == 0 || unit == 0) return;
    const std::byte* source = from.bytes() + from_place * unit;
    std::byte* target = to.mutable_bytes() + to_place * unit;
    for (std::int64_t o = 0; o < outer; ++o) std::copy_n(source + o * from_row, places * unit, target + o * to_row);
}

}  // namespace

Tensor cut(const Tensor& x, int axis, std::int64_t begin, std::int64_t count) {
    Mover mover(x.dtype());
    const Tensor from = mover.in(x);
    Tensor result = Tensor::uninitialized(from.dtype(), with_extent(x.shape(), axis, count));
    copy_places(from, begin, result, 0, count, axis);
    return mover.out(std::move(result));
}

Tensor take(const Tensor& x, int axis, std::int64_t index) {
    std::vector<std::int64_t> dims = x.shape().dims();
    dims.erase(dims.begin() + axis);
    return cut(x, axis, index, 1).reshaped(Shape(std::move(dims)));
}

Tensor join(const KernelContext& context, std::span<const Tensor> parts, int axis) {
    if (parts.empty()) context.reject("there is nothing to join");
    const DType dtype = parts[0].dtype();
    Shape shape = parts[0].shape();
    for (const Tensor& part : parts.subspan(1)) {
        const bool fits = part.dtype() == dtype && part.shape().rank() == shape.rank() &&
                          with_extent(part.shape(), axis, 0) == with_extent(shape, axis, 0);
        if (!fits || __builtin_add_overflow(shape[axis], part.shape()[axis], &shape[axis]))
            context.reject(format("{}{} cannot be joined to {}{} along axis {}", dtype_name(part.dtype()), part.shape().to_string(),
                                  dtype_name(dtype), shape.to_string(), axis));
    }
    context.check_size(dtype, shape);
    Mover mover(dtype);
    Tensor result;
    std::int64_t place = 0;
    for (const Tensor& part : parts) {
        const Tensor from = mover.in(part);
        if (!result.defined()) result = Tensor::uninitialized(from.dtype(), shape);
        copy_places(from, 0, result, place, part.shape()[axis], axis);
        place += part.shape()[axis];
    }
    return mover.out(std::move(result));
}

Tensor stack(const KernelContext& context, std::span<const Tensor> parts, int axis) {
    std::vector<Tensor> raised;
    raised.reserve(parts.size());
    for (const Tensor& part : parts) {
        std::vector<std::int64_t> dims = part.shape().dims();
        if (static_cast<std::size_t>(axis) > dims.size())
            context.reject(format("{} has no place for a new axis {}", part.shape().to_string(), axis));
        dims.insert(dims.begin() + axis, 1);
        raised.push_back(part.reshaped(Shape(std::move(dims))));
    }
    return join(context, raised, axis);
}

Tensor pad_behind(const KernelContext& context, const Tensor& x, int axis, std::int64_t extent) {
    if (x.shape()[axis] >= extent) return x;
    const Shape shape = with_extent(x.shape(), axis, extent);
    context.check_size(x.dtype(), shape);
    Mover mover(x.dtype());
    const Tensor from = mover.in(x);
    Tensor result(from.dtype(), shape);
    copy_places(from, 0, result, 0, x.shape()[axis], axis);
    return mover.out(std::move(result));
}

}  // namespace mcompress::reference
