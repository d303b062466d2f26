// Networks of random operators, for comparing one engine with another.
#pragma once

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "engine_pair.h"

/// Draws operators with random attributes over what was made before; values that nothing reads are outputs.
class RandomNetwork {
public:
    /// `code_share`: how much of what operators give goes through QuantizeLinear and DequantizeLinear, in tenths.
    RandomNetwork(unsigned seed, int operators, unsigned code_share);

    GraphMaker maker;
    std::string text;  // the operators, for a message

private:
    using Value = mcompress::Value;
    using Shape = mcompress::Shape;
    using Attributes = std::vector<mcompress::Attribute>;

    std::int64_t pick(std::int64_t count) { return static_cast<std::int64_t>(random_() % static_cast<unsigned>(count)); }
    bool chance(unsigned tenths) { return random_() % 10 < tenths; }
    Value* any() { return made_[static_cast<std::size_t>(pick(static_cast<std::int64_t>(made_.size())))]; }
    Value* like(const Value* value);
    Value* add(const std::string& op, std::vector<Value*> inputs, Attributes attributes = {});
    Value* scalar(float value) { return maker.constant(mcompress::Tensor::scalar(value)); }
    Value* in_codes(Value* value);

    Value* step(Value* x);
    Value* convolution(Value* x);
    Value* transposed_convolution(Value* x);
    Value* product(Value* x);
    Value* pool(Value* x);
    Value* binary(Value* x);
    Value* concat(Value* x);
    Value* move(Value* x);
    Value* reduce(Value* x);
    Value* resize(Value* x);
    Value* normalize(Value* x);
    Value* activate(Value* x);
    Value* weights(Shape shape, std::int64_t terms);

    std::mt19937 random_;
    unsigned code_share_;
    std::vector<Value*> made_;
};
