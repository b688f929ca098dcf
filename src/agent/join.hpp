#pragma once
// How a host becomes a node: the join line, the identity that it brings, its renewal.

#include <string>
#include <string_view>
#include <vector>

#include "base/secret.hpp"
#include "model/node.hpp"
#include "net/async.hpp"
#include "net/ca.hpp"

namespace drover::agent {

/// drover-join:v1:<base64url of {"hub","secret","pins":["sha256/…"],"name"?}>
struct JoinLine {
  std::string hub;  // https://host:port
  std::string secret;
  std::vector<std::string> pins;
  std::string name;  // wished for by the hub; may be empty
};
BOOST_DESCRIBE_STRUCT(JoinLine, (), (hub, secret, pins, name))
std::string print_join_line(const JoinLine& line);
Result<JoinLine> parse_join_line(std::string_view text);

/// POST /api/v1/agents/join
struct JoinRequest {
  std::string secret, name, csr;
  HostFacts facts;
};
BOOST_DESCRIBE_STRUCT(JoinRequest, (), (secret, name, csr, facts))
/// POST /api/v1/agents/renew, with the present certificate
struct RenewRequest {
  std::string csr;
};
BOOST_DESCRIBE_STRUCT(RenewRequest, (), (csr))
/// The answer to both. `ca`: PEM; `pins`: what the agent trusts from now on.
struct JoinAnswer {
  std::string uid, name, certificate, ca;
  std::vector<std::string> pins;
};
BOOST_DESCRIBE_STRUCT(JoinAnswer, (), (uid, name, certificate, ca, pins))

/// What STATE holds after a join: uid, name, hub, key.pem (0600), cert.pem, ca.pem, pins.
struct NodeIdentity {
  std::string uid, name, hub;
  net::Identity certificate;  // PEM and key
  std::string ca;
  std::vector<std::string> pins;
};
/// not_found: this directory has not joined a hub.
Result<NodeIdentity> load_node_identity(const std::string& state);
/// Durable; a crash on the way leaves the former identity or the new one.
Result<void> save_node_identity(const std::string& state, const NodeIdentity& identity);

struct JoinOptions {
  std::string line;  // the join line
  std::string state;
  std::string name;  // empty: the line's, else the host's name
  std::string version;
  Duration deadline = 30s;
  bool again = false;  // this directory has joined before: give that identity up
};
/// conflict: this directory has joined already, or the name is taken. denied: wrong pin, used or expired
/// line.
net::Awaitable<Result<NodeIdentity>> join_hub(JoinOptions options);

/// A new key and certificate, asked for with the present one.
net::Awaitable<Result<NodeIdentity>> renew(NodeIdentity identity, Duration deadline);
/// At two thirds of its life.
bool renewal_due(const net::CertificateInfo& certificate, WallTime now);

}  // namespace drover::agent
