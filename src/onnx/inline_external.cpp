#include "onnx/inline_external.h"

#include <vector>

namespace mcompress {

namespace {

void inline_tensor(onnx::TensorProto& proto, const TensorSource& source) {
    if (proto.data_location() != onnx::TensorProto::EXTERNAL) return;
    const Tensor tensor = take_tensor(proto, {nullptr, nullptr, source.external});
    put_tensor(tensor, proto);
}

}  // namespace

void inline_external_data(google::protobuf::Message& message, const TensorSource& source) {
    std::vector<google::protobuf::Message*> pending{&message};
    while (!pending.empty()) {
        google::protobuf::Message* at = pending.back();
        pending.pop_back();
        if (auto* tensor = dynamic_cast<onnx::TensorProto*>(at)) {
            inline_tensor(*tensor, source);
            continue;
        }
        const auto* reflection = at->GetReflection();
        std::vector<const google::protobuf::FieldDescriptor*> fields;
        reflection->ListFields(*at, &fields);
        for (const auto* field : fields) {
            if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
            if (!field->is_repeated()) pending.push_back(reflection->MutableMessage(at, field));
            else
                for (int index = 0; index < reflection->FieldSize(*at, field); ++index)
                    pending.push_back(reflection->MutableRepeatedMessage(at, field, index));
        }
    }
}

}  // namespace mcompress
