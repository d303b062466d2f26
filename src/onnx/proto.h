// ONNX's protobuf messages and what every conversion does with them. Included only inside this folder.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>

namespace mcompress {

/// The bytes of a message, always the same for the same content.
std::string serialize(const google::protobuf::MessageLite& message);

/// Fills a message from bytes that serialize() made.
void deserialize(google::protobuf::MessageLite& message, const std::string& bytes);

}  // namespace mcompress
