// Any bytes as a frame and as a batch: no crash, no endless work, and what is accepted is written and read
// again as the same.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "protocol/codec.hpp"

namespace {
void insist(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "frames: %s\n", what);
  std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto envelope = drover::protocol::decode(text)) {
    std::string once = drover::protocol::encode(*envelope);
    auto again = drover::protocol::decode(once);
    insist(again.has_value(), "what was written cannot be read");
    insist(drover::protocol::encode(*again) == once, "written and read again, it is another frame");
  } else {
    insist(!envelope.error().message.empty(), "an error that says nothing");
  }
  if (auto batch = drover::protocol::decode_batch(text))
    insist(drover::protocol::decode_batch(drover::protocol::encode_batch(*batch)).has_value(),
           "a batch that was written cannot be read");
  return 0;
}
