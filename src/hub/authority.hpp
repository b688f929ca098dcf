#pragma once
// The hub's own CA and certificate (STATE/ca), join lines, and the certificates of agents.

#include <cstdint>
#include <string>
#include <vector>

#include "core/hub/io.hpp"
#include "net/ca.hpp"

namespace drover::hub {

// What goes over the wire when a host joins. The same words as agent/join.hpp has.
struct JoinLine {
  std::string hub, secret;
  std::vector<std::string> pins;
  std::string name;
};
BOOST_DESCRIBE_STRUCT(JoinLine, (), (hub, secret, pins, name))
struct JoinInput {
  std::string secret, name, csr;
  HostFacts facts;
};
BOOST_DESCRIBE_STRUCT(JoinInput, (), (secret, name, csr, facts))
struct RenewInput {
  std::string csr;
};
BOOST_DESCRIBE_STRUCT(RenewInput, (), (csr))
struct JoinAnswer {
  std::string uid, name, certificate, ca;
  std::vector<std::string> pins;
};
BOOST_DESCRIBE_STRUCT(JoinAnswer, (), (uid, name, certificate, ca, pins))

class Authority {
 public:
  /// Loads CA and hub certificate from `directory`, or makes them. A hub certificate that ends within 30
  /// days, or lacks one of `names`, is made anew (same CA: agents notice nothing).
  static Result<Authority> open(const std::string& directory, std::vector<std::string> names, WallTime now);

  const net::Identity& hub() const { return hub_; }
  const std::string& ca_certificate() const { return ca_.certificate; }
  std::vector<std::string> pins() const { return {ca_pin_}; }
  /// Where agents reach this hub: "https://192.0.2.7:3079". Set before serving.
  void set_url(std::string url) { url_ = std::move(url); }
  const std::string& url() const { return url_; }
  std::string join_line(const std::string& secret, const std::string& name) const;

  struct Signed {
    JoinAnswer answer;
    std::string serial, key_pin;
  };
  Result<Signed> sign(const std::string& csr, NodeId uid, std::string name, WallTime now) const;

 private:
  net::Identity ca_, hub_;
  std::string ca_pin_, url_;
};

}  // namespace drover::hub
