// Quantizes a model with samples of its own making and of files, and compares the result: consumer MODEL DATA LABELS FOLDER
#include <mcompress/mcompress.h>

#include <cstdio>
#include <string>

namespace mc = mcompress::v1;

namespace {

int fail(const char* what) {
    std::fprintf(stderr, "consumer: %s\n", what);
    return 1;
}

/// Gray pictures of 32 x 32, as the example model takes them.
std::vector<mc::Sample> made_up(const mc::Port& input, int count) {
    std::vector<mc::Sample> samples;
    for (int n = 0; n < count; ++n) {
        std::vector<float> pixels(1024);
        for (int i = 0; i < 1024; ++i) pixels[static_cast<std::size_t>(i)] = static_cast<float>((i * (n + 3) + n * n) % 17) / 8.0f - 1.0f;
        samples.push_back({mc::Array{input.name, {1, 1, 32, 32}, std::move(pixels)}});
    }
    return samples;
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc != 5) return fail("usage: consumer MODEL DATA LABELS FOLDER");
    const std::string path = argv[1], folder = argv[4];

    mc::Model model = mc::Model::load(path);
    std::printf("mcompress %s: %s has input %s of %s\n", mc::version().c_str(), path.c_str(), model.inputs().at(0).name.c_str(),
                model.inputs().at(0).type.c_str());
    model.set_metadata("consumer", "was here");
    model.save(folder + "/copy.onnx");
    if (mc::Model::load(folder + "/copy.onnx").metadata().back().second != "was here") return fail("metadata got lost");

    mc::optimize(path, folder + "/optimized.onnx");

    const mc::Data data = mc::Data::open(argv[2], path, {{"color", "gray"}, {"scale", "1/255"}, {"mean", "0.5"}, {"std", "0.25"}});
    mc::QuantizeOptions quantization;
    quantization.data = &data;
    quantization.effort = "fast";
    std::puts(mc::quantize(path, folder + "/int8.onnx", quantization).text.c_str());

    mc::ValidateOptions gates;
    gates.labels = argv[3];
    gates.max_drop = 2.0;
    const mc::Report report = mc::validate(path, folder + "/int8.onnx", data, gates);
    if (!report.passed) return fail("more than two points of top-1 are lost");
    gates.min_sqnr = 200.0;
    if (mc::validate(path, folder + "/int8.onnx", data, gates).passed) return fail("no int8 model reaches 200 dB");

    const mc::Data own = mc::Data::of(made_up(model.inputs().at(0), 20));
    if (own.size() != 20) return fail("samples got lost");
    if (mc::validate(path, folder + "/optimized.onnx", own, {}).json.find("mcompress/validate") == std::string::npos)
        return fail("no report");

    // Errors have the codes and exit codes of the command line.
    try {
        mc::quantize(path, folder + "/int8.onnx", quantization);
        return fail("an existing file was overwritten");
    } catch (const mc::Error& error) {
        if (error.code() != "E1002" || error.exit_code() != 2) return fail(error.what());
    }
    // What is read is written over only on demand.
    mc::OptimizeOptions forced, in_place;
    forced.overwrite = mc::Overwrite::Force;
    in_place.overwrite = mc::Overwrite::InPlace;
    for (int way = 0; way < 2; ++way) try {
            if (way == 0) mc::optimize(folder + "/copy.onnx", folder + "/./copy.onnx", forced);
            else mc::Model::load(folder + "/copy.onnx").save(folder + "/copy.onnx", mc::Overwrite::Force);
            return fail("a model was written over its input");
        } catch (const mc::Error& error) {
            if (error.code() != "E1003" || error.exit_code() != 2) return fail(error.what());
        }
    mc::optimize(folder + "/copy.onnx", folder + "/./copy.onnx", in_place);
    if (mc::Model::load(folder + "/copy.onnx").metadata().back().second != "was here") return fail("not the optimized copy");
    try {
        mc::Model::load(argv[3]);
        return fail("labels are no model");
    } catch (const mc::Error& error) {
        if (error.exit_code() != 3 || error.remedy().empty()) return fail(error.what());
    }
    std::puts("consumer: done");
    return 0;
} catch (const mc::Error& error) {
    std::fprintf(stderr, "error[%s]: %s\n  help: %s\n", error.code().c_str(), error.what(), error.remedy().c_str());
    return error.exit_code();
}
