#pragma once
// The receiving side of one session: every frame of the other side once, in order. Sans-I/O; one per session,
// used by one thread at a time. Links may repeat a frame (a POST sent twice), but never lose one silently: a
// gap means that the session is broken and must be given up; its successor starts from the truth again.

#include <cstdint>

#include "base/error.hpp"
#include "model/frames.hpp"

namespace drover::protocol {

class Receiver {
 public:
  /// true: hand it to the core. false: a duplicate, drop it. Errc::conflict: give the session up.
  Result<bool> accept(const Envelope& envelope);
  /// Number of the last frame accepted; 0: none yet.
  std::uint64_t received() const { return received_; }

 private:
  std::uint64_t received_ = 0;
};

}  // namespace drover::protocol
