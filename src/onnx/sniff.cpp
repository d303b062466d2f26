#include "onnx/sniff.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "support/error.h"

namespace mcompress {

namespace {

using namespace std::string_view_literals;

struct Signature {
    std::size_t offset;
    std::string_view bytes;
    const char* what;
    const char* remedy;
};

constexpr const char* kConvert = "convert it to ONNX first";

constexpr Signature kSignatures[] = {
    {0, "version https://git-lfs"sv, "a git-lfs pointer, not the file itself", "run 'git lfs pull'"},
    {0, "PK\x03\x04"sv, "a zip archive (a PyTorch or Keras checkpoint, or .npz)", "unpack it, or export the model to ONNX"},
    {0, "\x1f\x8b"sv, "gzip-compressed", "run gunzip on it"},
    {0, "\x28\xb5\x2f\xfd"sv, "zstd-compressed", "run unzstd on it"},
    {0, "GGUF"sv, "a GGUF model", kConvert},
    {4, "TFL3"sv, "a TensorFlow Lite model", kConvert},
    {4, "ORTM"sv, "an ONNX Runtime .ort model", "use the .onnx file it was made from"},
    {0, "\x89HDF\r\n\x1a\n"sv, "an HDF5 file (a Keras model)", "export the model to ONNX"},
    {0, "\x93NUMPY"sv, "a NumPy array", "pass the model, not its data"},
    {0, "\x80\x02"sv, "a Python pickle (an old PyTorch checkpoint)", "export the model to ONNX"},
    {0, "\x89PNG"sv, "a PNG image", "pass the model, not its data"},
    {0, "\xff\xd8\xff"sv, "a JPEG image", "pass the model, not its data"},
    {0, "%PDF"sv, "a PDF document", "pass a .onnx file"},
    {0,
     "\x7f"
     "ELF"sv,
     "an executable", "pass a .onnx file"},
    {8, "{\""sv, "a safetensors file", "it holds weights only: export the model to ONNX"},
};

[[noreturn]] void refuse(std::string_view what, const char* remedy) {
    throw Error(codes::kNotOnnx, format("the file is {}", what), remedy);
}

}  // namespace

void refuse_other_formats(std::span<const std::byte> bytes) {
    if (bytes.empty()) refuse("empty", "download or export the file again");
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 512));
    for (const Signature& signature : kSignatures)
        if (text.size() > signature.offset && text.substr(signature.offset).starts_with(signature.bytes))
            refuse(signature.what, signature.remedy);
    const std::size_t first = text.find_first_not_of(" \t\r\n\xef\xbb\xbf");
    if (first == std::string_view::npos) return;
    if (text[first] == '<') refuse("an HTML or XML page, probably an error page of a download", "download the file again");
    if (text[first] == '{' && text.find('\0') == std::string_view::npos) refuse("JSON text", "pass a .onnx file");
}

bool looks_like_model(std::span<const std::byte> bytes) {
    if (bytes.empty()) return false;
    const auto tag = static_cast<unsigned>(bytes[0]);
    // ir_version and model_version are numbers; producer, domain, documentation, graph, opset imports and metadata are length-delimited.
    constexpr std::string_view kFirstTags = "\x08\x28\x12\x1a\x22\x32\x3a\x42\x72"sv;
    if (kFirstTags.find(static_cast<char>(tag)) == std::string_view::npos) return false;
    return tag != 0x08 || bytes.size() < 2 || static_cast<unsigned>(bytes[1]) < 0x80;  // ir_version below 128
}

}  // namespace mcompress
