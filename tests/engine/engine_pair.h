// Small graphs run on both engines: the oneDNN engine must say what the reference engine says.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "ir/model.h"

/// Builds a graph with random constants; every name is unique, so results repeat from run to run.
class GraphMaker {
public:
    explicit GraphMaker(int opset = 17, unsigned seed = 1);

    mcompress::Value* input(const std::string& name, mcompress::Shape shape, mcompress::DType dtype = mcompress::DType::Float32);
    /// Normally distributed numbers times `scale`.
    mcompress::Value* weights(mcompress::Shape shape, float scale = 0.5F);
    mcompress::Value* constant(mcompress::Tensor tensor);
    mcompress::Value* add(const std::string& op, std::vector<mcompress::Value*> inputs, std::vector<mcompress::Attribute> attributes = {},
                          const std::string& domain = "");
    mcompress::Value* quantize(mcompress::Value* value, float scale, int zero_point, mcompress::DType dtype = mcompress::DType::UInt8);
    mcompress::Value* dequantize(mcompress::Value* codes, float scale, int zero_point, mcompress::DType dtype = mcompress::DType::UInt8);
    /// DequantizeLinear of random int8 weights with one scale an index of axis 0.
    mcompress::Value* quantized_weights(mcompress::Shape shape, float scale = 0.01F);
    /// DequantizeLinear of a random int32 bias in units of source scale * weight scale.
    mcompress::Value* quantized_bias(const mcompress::Value* weights, float source_scale);
    void output(mcompress::Value* value);

    mcompress::Graph& graph() { return *model_.graph; }
    /// One random tensor an input: floats normal times 2, codes uniform.
    std::vector<mcompress::Tensor> random_inputs();

private:
    float normal();
    std::uint64_t next();
    mcompress::Tensor code(int value, mcompress::DType dtype) const;

    mcompress::Model model_;
    std::uint64_t state_;
};

/// The largest difference between the engines' float outputs, divided by the largest magnitude of the reference's; 1e30 for other shapes.
double relative_difference(GraphMaker& maker, int threads = 2);
/// The largest difference of integer outputs in codes.
int code_difference(GraphMaker& maker, int threads = 2);
/// Kernel names of the oneDNN plan's steps.
std::vector<mcompress::StepInfo> steps_of(GraphMaker& maker);
bool has_step(GraphMaker& maker, const std::string& op);
bool has_reference_step(GraphMaker& maker);
