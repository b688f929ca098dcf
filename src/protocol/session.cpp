#include "protocol/session.hpp"

#include <fmt/format.h>

namespace drover::protocol {

Result<bool> Receiver::accept(const Envelope& envelope) {
  if (envelope.n == 0) return fail(Errc::conflict, "a frame without a number");
  if (envelope.n <= received_) return false;
  if (envelope.n != received_ + 1)
    return fail(Errc::conflict, fmt::format("frames {} to {} are missing", received_ + 1, envelope.n - 1), {},
                "the session is given up and begun anew");
  received_ = envelope.n;
  return true;
}

}  // namespace drover::protocol
