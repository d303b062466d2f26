#include "random_network.h"

#include <algorithm>
#include <cmath>

#include "ops/infer.h"

using namespace mcompress;

namespace {

using Ints = std::vector<std::int64_t>;

Shape shape_of(const Value* value) { return *value->type().shape(); }

Attribute ints(const std::string& name, Ints values) { return {name, std::move(values), {}}; }
Attribute integer(const std::string& name, std::int64_t value) { return {name, value, {}}; }
Attribute number(const std::string& name, float value) { return {name, value, {}}; }

}  // namespace

RandomNetwork::RandomNetwork(unsigned seed, int operators, unsigned code_share) : maker(17, seed), random_(seed), code_share_(code_share) {
    for (int count = 0; count < 2; ++count) {
        Value* x = maker.input("x" + std::to_string(count), Shape{1 + pick(2), 1 + pick(20), 1 + pick(10), 1 + pick(10)});
        made_.push_back(chance(code_share_) ? in_codes(x) : x);
    }
    while (operators-- > 0) {
        Value* x = chance(6) ? made_.back() : any();
        Value* y = step(x);
        if (!y || y == x) continue;
        while (chance(4)) y = activate(y);
        if (chance(code_share_)) y = in_codes(y);
        made_.push_back(y);
    }
    for (Value* value : made_)
        if (value->uses().empty() || chance(1)) maker.output(value);
}

Value* RandomNetwork::add(const std::string& op, std::vector<Value*> inputs, Attributes attributes) {
    text += op + " ";
    Value* made = maker.add(op, std::move(inputs), std::move(attributes));
    infer_types(maker.graph());
    return made;
}

Value* RandomNetwork::in_codes(Value* value) {
    const DType dtype = chance(7) ? DType::UInt8 : DType::Int8;
    const int zero_point = (dtype == DType::UInt8 ? 128 : 0) + (chance(5) ? 0 : static_cast<int>(pick(80)) - 40);
    const float scale = 0.01F * static_cast<float>(2 + pick(8));
    text += "codes ";
    Value* back = maker.dequantize(maker.quantize(value, scale, zero_point, dtype), scale, zero_point, dtype);
    infer_types(maker.graph());
    return back;
}

Value* RandomNetwork::weights(Shape shape, std::int64_t terms) {
    const float deviation = 1.0F / std::sqrt(static_cast<float>(std::max<std::int64_t>(1, terms)));
    return chance(code_share_) ? maker.quantized_weights(shape, deviation / 73.0F) : maker.weights(shape, deviation);
}

Value* RandomNetwork::like(const Value* value) {
    std::vector<Value*> same;
    for (Value* other : made_)
        if (shape_of(other) == shape_of(value)) same.push_back(other);
    return same[static_cast<std::size_t>(pick(static_cast<std::int64_t>(same.size())))];
}

Value* RandomNetwork::step(Value* x) {
    const bool is_picture = shape_of(x).rank() == 4;
    switch (pick(14)) {
        case 0:
        case 1:
        case 2: return is_picture ? convolution(x) : product(x);
        case 3: return is_picture ? transposed_convolution(x) : product(x);
        case 4: return product(x);
        case 5:
        case 6: return is_picture ? pool(x) : activate(x);
        case 7:
        case 8: return binary(x);
        case 9: return concat(x);
        case 10: return move(x);
        case 11: return reduce(x);
        case 12: return is_picture ? resize(x) : normalize(x);
        default: return normalize(x);
    }
}

Value* RandomNetwork::convolution(Value* x) {
    const Shape shape = shape_of(x);
    const std::int64_t channels = shape[1];
    std::int64_t groups = 1;
    if (chance(3)) groups = channels;
    else if (channels % 2 == 0 && chance(2)) groups = 2;
    const std::int64_t outputs = groups == channels ? channels * (chance(8) ? 1 : 2) : groups * (1 + pick(12));
    Ints kernel, pads(4), strides, dilations;
    for (int axis = 0; axis < 2; ++axis) {
        const std::int64_t stretch = chance(2) ? 2 : 1;
        std::int64_t taps = 1 + pick(5);
        const std::int64_t before = pick(3), after = pick(3);
        while ((taps - 1) * stretch + 1 > shape[2 + axis] + before + after) --taps;
        kernel.push_back(taps), strides.push_back(chance(7) ? 1 : 2 + pick(2)), dilations.push_back(stretch);
        pads[static_cast<std::size_t>(axis)] = std::min(before, (taps - 1) * stretch);
        pads[static_cast<std::size_t>(axis + 2)] = std::min(after, (taps - 1) * stretch);
        if (shape[2 + axis] + pads[static_cast<std::size_t>(axis)] + pads[static_cast<std::size_t>(axis + 2)] < (taps - 1) * stretch + 1)
            return x;
    }
    const std::int64_t terms = channels / groups * kernel[0] * kernel[1];
    std::vector<Value*> inputs{x, weights(Shape{outputs, channels / groups, kernel[0], kernel[1]}, terms)};
    if (chance(5)) inputs.push_back(maker.weights(Shape{outputs}));
    return add("Conv", inputs, {integer("group", groups), ints("pads", pads), ints("strides", strides), ints("dilations", dilations)});
}

Value* RandomNetwork::transposed_convolution(Value* x) {
    const Shape shape = shape_of(x);
    if (shape[2] * shape[3] > 64) return pool(x);
    const std::int64_t groups = chance(3) ? shape[1] : 1, outputs = 1 + pick(6);
    const Ints kernel{1 + pick(4), 1 + pick(4)}, strides{1 + pick(3), 1 + pick(3)};
    Ints pads(4);
    for (std::size_t at = 0; at < 4; ++at)
        if (chance(3)) pads[at] = std::min<std::int64_t>(1, (kernel[at % 2] - 1) / 2);
    std::vector<Value*> inputs{x, weights(Shape{shape[1], outputs, kernel[0], kernel[1]}, shape[1] / groups)};
    if (chance(5)) inputs.push_back(maker.weights(Shape{outputs * groups}));
    return add("ConvTranspose", inputs, {integer("group", groups), ints("pads", pads), ints("strides", strides)});
}

Value* RandomNetwork::product(Value* x) {
    const Shape shape = shape_of(x);
    const int rank = static_cast<int>(shape.rank());
    const std::int64_t inner = shape[rank - 1], columns = 1 + pick(24);
    if (rank != 2 || chance(4)) return add("MatMul", {x, weights(Shape{inner, columns}, inner)});
    const bool is_turned = chance(5);
    std::vector<Value*> inputs{x, weights(is_turned ? Shape{columns, inner} : Shape{inner, columns}, inner)};
    if (chance(6)) inputs.push_back(maker.weights(Shape{columns}));
    Attributes attributes{integer("transB", is_turned ? 1 : 0)};
    if (chance(2)) attributes.push_back(number("alpha", 0.5F));
    if (chance(2)) attributes.push_back(number("beta", 2.0F));
    return add("Gemm", inputs, attributes);
}

Value* RandomNetwork::pool(Value* x) {
    const Shape shape = shape_of(x);
    if (chance(2)) return add("GlobalAveragePool", {x});
    Ints kernel, strides, pads(4);
    for (int axis = 0; axis < 2; ++axis) {
        kernel.push_back(1 + pick(std::min<std::int64_t>(4, shape[2 + axis])));
        strides.push_back(1 + pick(3));
        if (chance(4)) pads[static_cast<std::size_t>(axis)] = pick(kernel.back());
        if (chance(4)) pads[static_cast<std::size_t>(axis + 2)] = pick(kernel.back());
    }
    Attributes attributes{ints("kernel_shape", kernel), ints("strides", strides), ints("pads", pads), integer("ceil_mode", pick(2))};
    if (chance(5)) return add("MaxPool", {x}, attributes);
    attributes.push_back(integer("count_include_pad", pick(2)));
    return add("AveragePool", {x}, attributes);
}

Value* RandomNetwork::binary(Value* x) {
    constexpr const char* kOps[] = {"Add", "Add", "Add", "Sub", "Mul", "Max", "Min"};
    const Shape shape = shape_of(x);
    Value* other = nullptr;
    switch (pick(4)) {
        case 0: {  // one number an index of some axes
            std::vector<std::int64_t> dims(shape.rank(), 1);
            for (std::size_t axis = 0; axis < dims.size(); ++axis)
                if (chance(4)) dims[axis] = shape[static_cast<int>(axis)];
            other = maker.weights(Shape(dims), 0.8F);
            break;
        }
        case 1:
            if (shape.rank() == 4) {  // a gate
                other = add("Sigmoid", {add("GlobalAveragePool", {like(x)})});
                if (chance(code_share_)) other = in_codes(other);
                break;
            }
            [[fallthrough]];
        default: other = like(x);
    }
    const std::string op = kOps[pick(std::size(kOps))];
    return chance(5) ? add(op, {x, other}) : add(op, {other, x});
}

Value* RandomNetwork::concat(Value* x) {
    const Shape shape = shape_of(x);
    if (shape.element_count() > 4000) return activate(x);
    std::vector<Value*> inputs{x};
    for (std::int64_t more = 1 + pick(2); more > 0; --more) inputs.push_back(like(x));
    return add("Concat", inputs, {integer("axis", chance(7) ? 1 : pick(static_cast<std::int64_t>(shape.rank())))});
}

Value* RandomNetwork::move(Value* x) {
    const Shape shape = shape_of(x);
    const auto constant = [&](const Ints& values) {
        return maker.constant(Tensor::from_values(Shape{static_cast<std::int64_t>(values.size())}, values));
    };
    switch (pick(5)) {
        case 0: return add("Flatten", {x}, {integer("axis", 1)});
        case 1: {
            Ints order;
            for (int axis = 0; axis < shape.rank(); ++axis) order.push_back(axis);
            std::shuffle(order.begin(), order.end(), random_);
            return add("Transpose", {x}, {ints("perm", order)});
        }
        case 2: {
            const std::int64_t axis = pick(static_cast<std::int64_t>(shape.rank()));
            const std::int64_t size = shape[static_cast<int>(axis)], start = pick(size);
            return add("Slice", {x, constant({start}), constant({start + 1 + pick(size - start)}), constant({axis})});
        }
        case 3:
            if (shape.rank() == 4 && shape[1] % 4 == 0) return add("DepthToSpace", {x}, {integer("blocksize", 2)});
            return add("Reshape", {x, constant({shape[0], -1})});
        default: {
            Ints pads(2 * shape.rank());
            for (std::int64_t& pad : pads)
                if (chance(2)) pad = 1;
            if (shape.element_count() > 1000) return add("Flatten", {x});
            return add("Pad", {x, constant(pads)});
        }
    }
}

Value* RandomNetwork::reduce(Value* x) {
    const Shape shape = shape_of(x);
    if (shape.rank() < 3) return activate(x);
    Ints axes = shape.rank() == 4 && chance(6) ? Ints{2, 3} : Ints{pick(static_cast<std::int64_t>(shape.rank()))};
    const std::int64_t keep = chance(7) ? 1 : 0;
    if (keep == 0 && shape.rank() - static_cast<int>(axes.size()) < 2) axes.resize(1);
    constexpr const char* kOps[] = {"ReduceMean", "ReduceMax", "ReduceL2"};
    return add(kOps[pick(3)], {x}, {ints("axes", axes), integer("keepdims", keep)});
}

Value* RandomNetwork::resize(Value* x) {
    const Shape shape = shape_of(x);
    if (shape.element_count() > 1500) return pool(x);
    const std::vector<float> scales{1.0F, 1.0F, static_cast<float>(1 + pick(2)), 2.0F};
    Attributes attributes{{"mode", std::string(chance(5) ? "nearest" : "linear"), {}}};
    if (chance(5)) attributes.push_back({"coordinate_transformation_mode", std::string("asymmetric"), {}});
    return add("Resize", {x, nullptr, maker.constant(Tensor::from_values(Shape{4}, scales))}, attributes);
}

Value* RandomNetwork::normalize(Value* x) {
    const Shape shape = shape_of(x);
    const int rank = static_cast<int>(shape.rank());
    switch (pick(4)) {
        case 0: return add("Softmax", {x}, {integer("axis", chance(5) ? -1 : 1)});
        case 1: {
            const Shape last{shape[rank - 1]};
            return add("LayerNormalization", {x, maker.weights(last), maker.weights(last)}, {number("epsilon", 0.1F)});
        }
        case 2: {
            if (rank < 3) return activate(x);
            const Shape channels{shape[1]};
            return add("InstanceNormalization", {x, maker.weights(channels), maker.weights(channels)}, {number("epsilon", 0.1F)});
        }
        default: {
            const Shape channels{shape[1]};
            const Tensor variance = Tensor::from_values(channels, std::vector<float>(static_cast<std::size_t>(shape[1]), 0.8F));
            return add("BatchNormalization",
                       {x, maker.weights(channels), maker.weights(channels), maker.weights(channels), maker.constant(variance)});
        }
    }
}

Value* RandomNetwork::activate(Value* x) {
    const float factor = 0.25F * static_cast<float>(1 + pick(6)) * (chance(2) ? -1.0F : 1.0F);
    switch (pick(14)) {
        case 0:
        case 1: return add("Relu", {x});
        case 2: return add("LeakyRelu", {x}, {number("alpha", 0.125F)});
        case 3: return add("Clip", {x, scalar(-1.0F), scalar(2.0F)});
        case 4: return add("Clip", {x, scalar(0.0F), scalar(6.0F)});
        case 5: return add("Mul", {x, scalar(factor)});
        case 6: return add("Add", {scalar(factor), x});
        case 7: return add("Sigmoid", {x});
        case 8: return add("HardSigmoid", {x});
        case 9: return add("HardSwish", {x});
        case 10: return add("Mul", {x, add("Sigmoid", {x})});
        case 11: return add("Tanh", {x});
        case 12: {
            Value* half = add("Mul", {x, scalar(0.5F)});
            Value* erf = add("Erf", {add("Div", {x, scalar(std::sqrt(2.0F))})});
            return add("Mul", {half, add("Add", {erf, scalar(1.0F)})});
        }
        default: {
            if (shape_of(x).rank() != 4) return add("Abs", {x});
            return add("PRelu", {x, maker.weights(Shape{shape_of(x)[1], 1, 1}, 0.2F)});
        }
    }
}
