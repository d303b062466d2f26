#include "onnx/proto.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <climits>

#include "support/error.h"

namespace mcompress {

std::string serialize(const google::protobuf::MessageLite& message) {
    const std::size_t size = message.ByteSizeLong();
    if (size > INT_MAX) fail(codes::kTooLarge, "a part of the model takes {} bytes; protobuf's limit is 2 GiB", size);
    std::string bytes;
    if (size == 0) return bytes;
    bytes.reserve(size);
    {
        google::protobuf::io::StringOutputStream stream(&bytes);
        google::protobuf::io::CodedOutputStream coded(&stream);
        coded.SetSerializationDeterministic(true);
        message.SerializePartialToCodedStream(&coded);
    }  // flushes
    return bytes;
}

void deserialize(google::protobuf::MessageLite& message, const std::string& bytes) {
    if (bytes.empty()) return;
    if (!message.ParsePartialFromString(bytes)) fail(codes::kInternal, "carried fields of a {} cannot be read back", message.GetTypeName());
}

}  // namespace mcompress
