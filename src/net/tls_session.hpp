#pragma once
// One connection's TLS object, made from shared settings. Internal to net.

#include <memory>
#include <optional>
#include <string>

#include "net/openssl.hpp"
#include "net/tls.hpp"

namespace drover::net {

/// A TLS object without a socket, and what must live as long as it does.
struct TlsSession {
  std::shared_ptr<const void> settings;
  SslPtr ssl;
  explicit operator bool() const { return ssl != nullptr; }
};

Result<TlsSession> accept_tls(std::shared_ptr<const TlsServer> server);
/// `host`: for the server name, and for the name check with TrustSystem.
Result<TlsSession> connect_tls(std::shared_ptr<const TlsClient> client, const std::string& host);

/// After the handshake.
std::string sni_of(const SSL* ssl);
std::optional<CertificateInfo> peer_certificate(const SSL* ssl);
/// "" or why the peer's certificate was refused by us.
std::string verification_problem(const SSL* ssl);

}  // namespace drover::net
