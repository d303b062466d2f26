// make_network NAME OUT.onnx: networks of the standard shapes with random weights, for timings.
#include <cmath>
#include <cstdio>
#include <string_view>

#include "bench/bench_main.h"
#include "bench/network_builder.h"
#include "onnx/emit.h"

using namespace mcompress;
using bench::NetworkBuilder;

namespace {

/// He et al. 2016, the variant with the stride in the 3×3 convolution; batch normalization is folded, as exporters leave it.
Value* bottleneck(NetworkBuilder& b, Value* x, std::int64_t in, std::int64_t width, std::int64_t stride) {
    const std::int64_t out = 4 * width;
    Value* y = b.node("Relu", {b.conv(x, in, width, 1, 1)});
    y = b.node("Relu", {b.conv(y, width, width, 3, stride)});
    y = b.conv(y, width, out, 1, 1, 0.3);  // small, so that the sums of 16 blocks stay in range
    Value* shortcut = in == out ? x : b.conv(x, in, out, 1, stride, 0.7);
    return b.node("Relu", {b.node("Add", {y, shortcut})});
}

std::unique_ptr<Model> resnet50() {
    NetworkBuilder b(17);
    Value* x = b.input("input", {Dim("batch"), 3, 224, 224});
    x = b.node("Relu", {b.conv(x, 3, 64, 7, 2)});
    x = b.node("MaxPool", {x},
               {{"kernel_shape", std::vector<std::int64_t>{3, 3}},
                {"pads", std::vector<std::int64_t>{1, 1, 1, 1}},
                {"strides", std::vector<std::int64_t>{2, 2}}});
    std::int64_t in = 64;
    const int depths[] = {3, 4, 6, 3};
    for (int stage = 0; stage < 4; ++stage) {
        const std::int64_t width = std::int64_t{64} << stage;
        for (int block = 0; block < depths[stage]; ++block) {
            x = bottleneck(b, x, in, width, block == 0 && stage > 0 ? 2 : 1);
            in = 4 * width;
        }
    }
    x = b.node("Flatten", {b.node("GlobalAveragePool", {x})});
    x = b.node("Gemm", {x, b.random({1000, 2048}, 0.02), b.random({1000}, 0.02)}, {{"transB", std::int64_t{1}}});
    return b.finish(x, {Dim("batch"), 1000});
}

/// Scaled dot-product attention with 64 values a head, written out as exporters do (Vaswani et al. 2017).
Value* attention(NetworkBuilder& b, Value* x, std::int64_t width) {
    const std::int64_t heads = width / 64;
    const auto split = [&](std::vector<std::int64_t> order) {
        Value* parts = b.node("Reshape", {b.linear(x, width, width), b.integers({0, 0, heads, 64})});
        return b.node("Transpose", {parts}, {{"perm", std::move(order)}});
    };
    Value* query = split({0, 2, 1, 3});
    Value* key = split({0, 2, 3, 1});
    Value* value = split({0, 2, 1, 3});
    Value* scores = b.node("Div", {b.node("MatMul", {query, key}), b.filled({}, 8.0F)});
    Value* weights = b.node("Softmax", {scores}, {{"axis", std::int64_t{-1}}});
    Value* context = b.node("Transpose", {b.node("MatMul", {weights, value})}, {{"perm", std::vector<std::int64_t>{0, 2, 1, 3}}});
    return b.linear(b.node("Reshape", {context, b.integers({0, 0, width})}), width, width);
}

Value* feed_forward(NetworkBuilder& b, Value* x, std::int64_t width) {
    return b.linear(b.gelu(b.linear(x, width, 4 * width)), 4 * width, width);
}

/// The encoder of BERT-base (Devlin et al. 2019): 12 layers of width 768, normalized after each sum; embedded tokens in.
std::unique_ptr<Model> bert_base() {
    constexpr std::int64_t kWidth = 768;
    NetworkBuilder b(17);
    const Dims dims{Dim("batch"), Dim("tokens"), kWidth};
    Value* x = b.input("embeddings", dims);
    for (int layer = 0; layer < 12; ++layer) {
        x = b.layer_norm(b.node("Add", {attention(b, x, kWidth), x}), kWidth);
        x = b.layer_norm(b.node("Add", {feed_forward(b, x, kWidth), x}), kWidth);
    }
    return b.finish(x, dims);
}

/// The same as ONNX Runtime's optimizer for transformers writes it: attention with its projections, GELU with the bias, and the sum with what normalizes it
/// are one operator each.
std::unique_ptr<Model> bert_base_fused() {
    constexpr std::int64_t kWidth = 768;
    NetworkBuilder b(17);
    b.use_domain("com.microsoft");
    const Dims dims{Dim("batch"), Dim("tokens"), kWidth};
    const auto matrix = [&](std::int64_t in, std::int64_t out) { return b.random({in, out}, 1.0 / std::sqrt(static_cast<double>(in))); };
    Value* x = b.input("embeddings", dims);
    const auto add_and_norm = [&](Value* product) {
        return b.fused("SkipLayerNormalization", {product, x, b.filled({kWidth}, 1.0F), b.random({kWidth}, 0.02), b.random({kWidth}, 0.02)},
                       {{"epsilon", 1e-5F}});
    };
    for (int layer = 0; layer < 12; ++layer) {
        Value* context =
            b.fused("Attention", {x, matrix(kWidth, 3 * kWidth), b.random({3 * kWidth}, 0.02)}, {{"num_heads", std::int64_t{12}}});
        x = add_and_norm(b.node("MatMul", {context, matrix(kWidth, kWidth)}));
        Value* inner = b.fused("BiasGelu", {b.node("MatMul", {x, matrix(kWidth, 4 * kWidth)}), b.random({4 * kWidth}, 0.02)});
        x = add_and_norm(b.node("MatMul", {inner, matrix(4 * kWidth, kWidth)}));
    }
    return b.finish(x, dims);
}

/// ViT-Base/16 at 224 pixels (Dosovitskiy et al. 2021): 12 layers of width 768, normalized before each block.
std::unique_ptr<Model> vit_base() {
    constexpr std::int64_t kWidth = 768;
    NetworkBuilder b(17);
    Value* x = b.input("input", {Dim("batch"), 3, 224, 224});
    x = b.node("Reshape", {b.conv(x, 3, kWidth, 16, 16), b.integers({0, kWidth, 196})});
    x = b.node("Transpose", {x}, {{"perm", std::vector<std::int64_t>{0, 2, 1}}});
    x = b.node("Add", {x, b.random({1, 196, kWidth}, 0.02)});  // positions
    for (int layer = 0; layer < 12; ++layer) {
        x = b.node("Add", {attention(b, b.layer_norm(x, kWidth), kWidth), x});
        x = b.node("Add", {feed_forward(b, b.layer_norm(x, kWidth), kWidth), x});
    }
    x = b.node("ReduceMean", {b.layer_norm(x, kWidth)}, {{"axes", std::vector<std::int64_t>{1}}, {"keepdims", std::int64_t{0}}});
    x = b.node("Gemm", {x, b.random({1000, kWidth}, 0.02), b.random({1000}, 0.02)}, {{"transB", std::int64_t{1}}});
    return b.finish(x, {Dim("batch"), 1000});
}

/// A decoder of Llama's form (Touvron et al. 2023) as ONNX Runtime's generator of such models writes it: root mean squares with the sum in front, heads of the query
/// that share keys, rotation inside the attention, a gated feed-forward. Four layers of width 1024; `kept` keys were there before.
std::unique_ptr<Model> decoder(std::int64_t kept, Dim steps) {
    constexpr std::int64_t kWidth = 1024, kHeads = 16, kKeyHeads = 4, kHead = 64, kInner = 2816;
    NetworkBuilder b(17);
    b.use_domain("com.microsoft");
    const Dims dims{Dim(1), steps, kWidth};
    const auto product = [&](Value* x, std::int64_t in, std::int64_t out) {
        return b.node("MatMul", {x, b.random({in, out}, 1.0 / std::sqrt(static_cast<double>(in)))});
    };
    Value* total = b.input("total_length", Dims{}, DType::Int32);
    Value* lengths = b.input("lengths", Dims{Dim(1)}, DType::Int32);
    Value* sum = b.input("embeddings", dims);
    Value *cosines = b.random({2048, kHead / 2}, 0.5), *sines = b.random({2048, kHead / 2}, 0.5);
    Value* x = b.node("SimplifiedLayerNormalization", {sum, b.filled({kWidth}, 1.0F)}, {{"axis", std::int64_t{-1}}});
    const auto add_and_norm = [&](Value* branch) {
        std::vector<Value*> out = b.fused_outputs("SkipSimplifiedLayerNormalization", {branch, sum, b.filled({kWidth}, 1.0F)},
                                                  {{"epsilon", 1e-5F}}, {true, false, false, true});
        sum = out[3];
        return out[0];
    };
    for (int layer = 0; layer < 4; ++layer) {
        Value* past_key = kept > 0 ? b.random({1, kKeyHeads, kept, kHead}, 1.0) : nullptr;
        Value* past_value = kept > 0 ? b.random({1, kKeyHeads, kept, kHead}, 1.0) : nullptr;
        Value* context =
            b.fused_outputs("GroupQueryAttention",
                            {product(x, kWidth, kHeads * kHead), product(x, kWidth, kKeyHeads * kHead),
                             product(x, kWidth, kKeyHeads * kHead), past_key, past_value, lengths, total, cosines, sines},
                            {{"num_heads", kHeads}, {"kv_num_heads", kKeyHeads}, {"do_rotary", std::int64_t{1}}}, {true, true, true})[0];
        x = add_and_norm(product(context, kHeads * kHead, kWidth));
        Value* gate = product(x, kWidth, kInner);
        Value* gated = b.node("Mul", {b.node("Mul", {gate, b.node("Sigmoid", {gate})}), product(x, kWidth, kInner)});
        x = add_and_norm(product(gated, kInner, kWidth));
    }
    return b.finish(x, dims);
}

std::unique_ptr<Model> decoder_prompt() { return decoder(0, Dim("tokens")); }
std::unique_ptr<Model> decoder_token() { return decoder(511, Dim(1)); }

struct NetworkRow {
    std::string_view name;
    std::unique_ptr<Model> (*make)();
};

constexpr NetworkRow kNetworks[] = {{"resnet50", resnet50}, {"bert-base", bert_base},           {"bert-base-fused", bert_base_fused},
                                    {"vit-base", vit_base}, {"decoder-prompt", decoder_prompt}, {"decoder-token", decoder_token}};

}  // namespace

int main(int argc, char** argv) {
    return bench::report_errors([&] {
        for (const NetworkRow& row : kNetworks)
            if (argc == 3 && row.name == argv[1]) return emit_model(*row.make(), argv[2]), 0;
        std::fputs("usage: make_network NAME OUT.onnx, with NAME one of:", stderr);
        for (const NetworkRow& row : kNetworks) std::fprintf(stderr, " %s", std::string(row.name).c_str());
        return std::fputs("\n", stderr), 2;
    });
}
