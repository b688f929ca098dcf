#pragma once
// Our own certificate authority (ECDSA P-256, OpenSSL 3) and the keys and certificates of hub and agents.
// All functions are plain and fast (under 1 ms); they may be called from any thread. Keys are PKCS#8 PEM.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "base/time.hpp"
#include "net/certificate.hpp"

namespace drover::net {

/// The SNI name under which agents call the hub; only there a client certificate is asked for.
inline constexpr std::string_view agents_sni = "agents.drover.internal";

/// A private key and its certificate, followed by the CA's where there is one (PEM).
struct Identity {
  std::string certificate;
  Secret<std::string> key;
};

/// A new CA, valid for 20 years. `name` is shown to people ("Drover CA 5f3a").
Result<Identity> create_ca(std::string_view name, WallTime now);

struct HubCertificate {
  std::vector<std::string> names;  // DNS names and IP addresses beside localhost, 127.0.0.1, ::1, agents_sni
  Duration validity = std::chrono::days(397);  // browsers refuse longer ones
};
/// A new key and a certificate with role hub; its PEM holds the CA's certificate too.
Result<Identity> issue_hub(const Identity& ca, const HubCertificate& wanted, WallTime now);

/// A new P-256 key on the agent's host.
Result<Secret<std::string>> create_key();
/// A certificate request for that key. The CA takes only the public key from it.
Result<std::string> create_request(const Secret<std::string>& key);
/// Signs an agent's request: role agent, random 128-bit serial. Checks that the requester has the key.
/// `uid`: [0-9a-zA-Z-]{1,64}. The PEM holds the CA's certificate too.
Result<std::string> sign_agent(const Identity& ca, std::string_view request, std::string_view uid,
                               WallTime now, Duration validity = std::chrono::days(365));

/// The first certificate of a PEM text.
Result<CertificateInfo> inspect(std::string_view certificate_pem);
/// The pin of a certificate (PEM) or of a private key (PEM): "sha256/<base64>".
Result<std::string> pin_of_certificate(std::string_view certificate_pem);
Result<std::string> pin_of_key(const Secret<std::string>& key);
bool is_pin(std::string_view text);
/// Last of the certificates in a PEM text: of what issue_hub and sign_agent return, the CA's.
Result<std::string> ca_of(std::string_view chain_pem);

/// Key and certificates → DIR/NAME.pem (0600): one file, so that a crash never leaves a key without its
/// certificate.
Result<void> save_identity(const std::string& directory, const std::string& name, const Identity& identity);
/// not_found when there is none. Refuses a file that others can read, and a key that is not the
/// certificate's.
Result<Identity> load_identity(const std::string& directory, const std::string& name);
/// Writes a file so that after a crash it is the old or the new one, never half. `mode` as in chmod.
Result<void> write_file_atomically(const std::string& path, std::string_view content, unsigned mode);

}  // namespace drover::net
