#pragma once
// What we want to know of a certificate, in plain values.

#include <cstdint>
#include <string>

#include "base/time.hpp"

namespace drover::net {

/// From the URI SAN and the extended key usage together: both must say it.
enum class CertRole : std::uint8_t {
  none,   // not one of ours
  hub,    // serverAuth and drover:hub
  agent,  // clientAuth and drover:agent/<uid>
};

struct CertificateInfo {
  CertRole role = CertRole::none;
  std::string agent_uid;    // agents only
  std::string serial;       // lower-case hex
  std::string pin;          // of the public key: "sha256/<base64>"
  std::string common_name;  // for people; proves nothing
  WallTime not_before;
  WallTime not_after;
  bool expired = false;  // only where the server lets expired ones in (renewal)
  bool operator==(const CertificateInfo&) const = default;
};

}  // namespace drover::net
