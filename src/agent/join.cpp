#include "agent/join.hpp"

#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.hpp"
#include "base/text.hpp"
#include "net/client.hpp"
#include "net/problem.hpp"
#include "runtime/files.hpp"
#include "runtime/host_facts.hpp"

namespace drover::agent {

namespace {

constexpr std::string_view line_start = "drover-join:v1:";
constexpr int base64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

std::string file(const std::string& state, std::string_view name) {
  return fmt::format("{}/{}", state, name);
}
std::string line_of(const std::string& path) {
  return std::string(trim(runtime::read_small_file(path, 64 << 10)));
}

constexpr std::string_view next_key = "key.pem.next";

bool fits(const net::Identity& identity) {
  if (identity.key.reveal().empty()) return false;
  const auto certificate = net::inspect(identity.certificate);
  const auto pin = net::pin_of_key(identity.key);
  return certificate && pin && certificate->pin == *pin;
}

std::unexpected<Error> bad_line(std::string cause) {
  return fail(Errc::invalid, "this is not a join line", std::move(cause),
              "copy the whole line that `drover token create` printed; it starts with drover-join:v1:");
}

/// The hub's answer to a request with a key of ours.
Result<NodeIdentity> identity_of(const JoinAnswer& answer, const std::string& hub, Secret<std::string> key) {
  NodeIdentity identity{answer.uid, answer.name, hub, {answer.certificate, std::move(key)},
                        answer.ca,  answer.pins};
  TRY(const auto certificate, net::inspect(answer.certificate));
  TRY(const auto pin, net::pin_of_key(identity.certificate.key));
  if (certificate.role != net::CertRole::agent || certificate.pin != pin)
    return fail(Errc::internal, "the hub's answer is not a certificate for this node");
  identity.uid = certificate.agent_uid;
  if (identity.ca.empty()) {
    TRY(identity.ca, net::ca_of(answer.certificate));
  }
  return identity;
}

net::Awaitable<Result<JoinAnswer>> post(net::Url url, std::shared_ptr<const net::TlsClient> tls,
                                        std::string body, Duration deadline) {
  net::ClientSettings settings;
  settings.tls = std::move(tls);
  settings.max_body = 1 << 20;
  net::ClientRequest request{"POST", url.target, {{"Content-Type", "application/json"}}, std::move(body)};
  net::HttpClient client(std::move(url), std::move(settings));
  CO_TRY(const auto answer, co_await client.request(std::move(request), deadline));
  if (answer.status / 100 != 2) co_return fail(net::problem_error(answer.status, answer.body));
  co_return from_json_text<JoinAnswer>(answer.body, Unknown::ignore);
}

Result<net::Url> hub_url(const std::string& hub, std::string target) {
  TRY(auto url, net::parse_url(hub));
  if (url.scheme != "https") return fail(Errc::invalid, hub + " is not an https address");
  url.target = std::move(target);
  return url;
}

}  // namespace

std::string print_join_line(const JoinLine& line) {
  const auto text = to_json_text(line);
  std::string out(sodium_base64_encoded_len(text.size(), base64), '\0');
  sodium_bin2base64(out.data(), out.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                    base64);
  out.resize(out.find('\0'));
  return std::string(line_start) + out;
}

Result<JoinLine> parse_join_line(std::string_view text) {
  text = trim(text);
  if (!text.starts_with(line_start)) return bad_line("it does not start with drover-join:v1:");
  text.remove_prefix(line_start.size());
  if (text.size() > 16384) return bad_line("it is too long");
  std::string decoded(text.size(), '\0');
  std::size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(decoded.data()), decoded.size(), text.data(),
                        text.size(), nullptr, &size, nullptr, base64) != 0)
    return bad_line("a part of it is missing or changed");
  decoded.resize(size);
  auto line = from_json_text<JoinLine>(decoded, Unknown::ignore);
  if (!line) return bad_line(line.error().message);
  if (line->hub.empty() || line->secret.empty() || line->pins.empty())
    return bad_line("hub, secret or pins are missing");
  for (const auto& pin : line->pins)
    if (!net::is_pin(pin)) return bad_line("\"" + pin + "\" is not a pin");
  return std::move(*line);
}

Result<NodeIdentity> load_node_identity(const std::string& state) {
  NodeIdentity identity;
  identity.certificate.certificate = runtime::read_small_file(file(state, "cert.pem"));
  if (identity.certificate.certificate.empty())
    return fail(Errc::not_found, fmt::format("{} has not joined a hub", state), {},
                "on the hub: drover token create; then here: drover node join LINE");
  struct stat info{};
  if (::stat(file(state, "key.pem").c_str(), &info) == 0 && (info.st_mode & 077) != 0)
    return fail(Errc::denied, "others may read the private key " + file(state, "key.pem"), {},
                "chmod 600 " + file(state, "key.pem"));
  identity.certificate.key = Secret(runtime::read_small_file(file(state, "key.pem")));
  if (!fits(identity.certificate)) {  // a renewal ended between its two renames
    identity.certificate.key = Secret(runtime::read_small_file(file(state, next_key)));
    if (!fits(identity.certificate))
      return fail(Errc::internal, fmt::format("the key in {} is not the certificate's", state), {},
                  "join the hub again");
    ::rename(file(state, next_key).c_str(), file(state, "key.pem").c_str());
  }
  identity.uid = line_of(file(state, "uid"));
  identity.name = line_of(file(state, "name"));
  identity.hub = line_of(file(state, "hub"));
  identity.ca = runtime::read_small_file(file(state, "ca.pem"));
  identity.pins = split(line_of(file(state, "pins")), '\n');
  if (identity.hub.empty() || identity.ca.empty())
    return fail(Errc::internal, fmt::format("the identity in {} is incomplete", state), {},
                "join the hub again");
  return identity;
}

Result<void> save_node_identity(const std::string& state, const NodeIdentity& identity) {
  TRYV(net::write_file_atomically(file(state, "uid"), identity.uid + "\n", 0644));
  TRYV(net::write_file_atomically(file(state, "name"), identity.name + "\n", 0644));
  TRYV(net::write_file_atomically(file(state, "hub"), identity.hub + "\n", 0644));
  TRYV(net::write_file_atomically(file(state, "ca.pem"), identity.ca, 0644));
  TRYV(net::write_file_atomically(file(state, "pins"), drover::join(identity.pins, "\n") + "\n", 0644));
  // At every moment there is a certificate, and a key that fits it under one of the two names.
  TRYV(net::write_file_atomically(file(state, next_key), identity.certificate.key.reveal(), 0600));
  TRYV(net::write_file_atomically(file(state, "cert.pem"), identity.certificate.certificate, 0644));
  if (::rename(file(state, next_key).c_str(), file(state, "key.pem").c_str()) != 0)
    return fail(from_errno(errno, file(state, "key.pem")));
  return {};
}

net::Awaitable<Result<NodeIdentity>> join_hub(JoinOptions options) {
  CO_TRY(const auto line, parse_join_line(options.line));
  if (::access(file(options.state, "cert.pem").c_str(), F_OK) == 0 && !options.again)
    co_return fail(
        Errc::conflict,
        fmt::format("{} has already joined {}", options.state, line_of(file(options.state, "hub"))), {},
        "use another --state, or remove this node at the hub and this directory first");
  CO_TRY(auto url, hub_url(line.hub, "/api/v1/agents/join"));
  CO_TRY(auto tls, net::TlsClient::create({.trust = net::TrustPins{line.pins}}));
  CO_TRY(auto key, net::create_key());
  JoinRequest request;
  request.secret = line.secret;
  request.facts = runtime::host_facts();
  request.facts.version = options.version;
  request.name = !options.name.empty() ? options.name
                 : !line.name.empty()  ? line.name
                                       : request.facts.hostname;
  CO_TRY(request.csr, net::create_request(key));
  CO_TRY(const auto answer,
         co_await post(std::move(url), std::move(tls), to_json_text(request), options.deadline));
  CO_TRY(auto identity, identity_of(answer, line.hub, std::move(key)));
  if (identity.name.empty()) identity.name = request.name;
  if (identity.pins.empty()) identity.pins = line.pins;
  CO_TRYV(save_node_identity(options.state, identity));
  co_return identity;
}

net::Awaitable<Result<NodeIdentity>> renew(NodeIdentity identity, Duration deadline) {
  CO_TRY(auto url, hub_url(identity.hub, "/api/v1/agents/renew"));
  net::TlsClientSettings settings;
  settings.trust = net::TrustCa{{identity.ca}, net::CertRole::hub};
  settings.identity = identity.certificate;
  settings.sni = net::agents_sni;
  settings.tls13_only = true;
  CO_TRY(auto tls, net::TlsClient::create(std::move(settings)));
  CO_TRY(auto key, net::create_key());
  RenewRequest request;
  CO_TRY(request.csr, net::create_request(key));
  CO_TRY(auto answer, co_await post(std::move(url), std::move(tls), to_json_text(request), deadline));
  if (answer.name.empty()) answer.name = identity.name;
  if (answer.ca.empty()) answer.ca = identity.ca;
  if (answer.pins.empty()) answer.pins = identity.pins;
  co_return identity_of(answer, identity.hub, std::move(key));
}

bool renewal_due(const net::CertificateInfo& certificate, WallTime now) {
  const auto life = certificate.not_after - certificate.not_before;
  return now >= certificate.not_before + life * 2 / 3;
}

}  // namespace drover::agent
