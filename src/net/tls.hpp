#pragma once
// TLS settings that are checked once and then shared by all connections. There is no mode without
// verification.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "net/ca.hpp"

namespace drover::net {

/// How agents are let in under their SNI name. TLS 1.3 only there.
struct AgentAdmission {
  std::string sni{agents_sni};
  std::vector<std::string> cas;      // PEM; more than one while the CA changes
  bool certificate_required = true;  // false: joining hosts have none yet
  bool allow_expired = false;        // Peer says so; the hub lets such an agent renew and nothing else
  /// Asked during each handshake, on any thread, must be quick: registered and not revoked? Empty: all.
  std::function<bool(std::string_view uid, std::string_view serial)> allowed;
};

struct TlsServerSettings {
  Identity identity;                       // what browsers and the CLI see; TLS 1.2 or newer
  std::optional<Identity> agent_identity;  // what agents see; none: `identity`. Its role must be hub
  std::optional<AgentAdmission> agents;    // none: never asks for a client certificate
};

class TlsServer {
 public:
  virtual ~TlsServer() = default;
  static Result<std::shared_ptr<const TlsServer>> create(TlsServerSettings settings);
};

/// Trust exactly these keys: "sha256/<base64>" of the leaf, or of a CA that the server sends, and then the
/// chain and the role hub are verified too.
struct TrustPins {
  std::vector<std::string> pins;
};
/// Trust our CA, and require the role: the CA alone would let any agent play the hub.
struct TrustCa {
  std::vector<std::string> cas;  // PEM
  CertRole role = CertRole::hub;
};
/// The system's roots and the host's name.
struct TrustSystem {};

struct TlsClientSettings {
  std::variant<TrustPins, TrustCa, TrustSystem> trust;
  std::optional<Identity> identity;  // client certificate
  std::string sni;                   // empty: the URL's host
  bool tls13_only = false;           // agents
};

class TlsClient {
 public:
  virtual ~TlsClient() = default;
  static Result<std::shared_ptr<const TlsClient>> create(TlsClientSettings settings);
};

}  // namespace drover::net
