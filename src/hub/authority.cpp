#include "hub/authority.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/json.hpp"
#include "hub/codes.hpp"

namespace drover::hub {

namespace {

Result<net::Identity> load_or_make_ca(const std::string& directory, WallTime now) {
  auto known = net::load_identity(directory, "ca");
  if (known || known.error().code != Errc::not_found) return known;
  TRY(auto ca, net::create_ca("Drover CA " + random_trace().substr(0, 4), now));
  TRYV(net::save_identity(directory, "ca", ca));
  return ca;
}

/// The names that a certificate was made for are kept beside it: one per line.
std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += name + "\n";
  return out;
}

bool still_good(const std::string& directory, const net::Identity& hub, const std::string& names,
                WallTime now) {
  auto info = net::inspect(hub.certificate);
  if (!info || info->not_after < now + std::chrono::days(30) || info->not_before > now) return false;
  std::ifstream file(directory + "/hub.names");
  std::string known((std::istreambuf_iterator<char>(file)), {});
  return known == names;
}

Result<net::Identity> load_or_make_hub(const std::string& directory, const net::Identity& ca,
                                       std::vector<std::string> names, WallTime now) {
  auto wanted = joined(names);
  auto known = net::load_identity(directory, "hub");
  if (known && still_good(directory, *known, wanted, now)) return known;
  if (!known && known.error().code != Errc::not_found) return known;
  TRY(auto hub, net::issue_hub(ca, {.names = std::move(names)}, now));
  TRYV(net::save_identity(directory, "hub", hub));
  TRYV(net::write_file_atomically(directory + "/hub.names", wanted, 0600));
  return hub;
}

}  // namespace

Result<Authority> Authority::open(const std::string& directory, std::vector<std::string> names,
                                  WallTime now) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return fail(from_errno(error.value(), "cannot make " + directory));
  std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
  Authority it;
  TRY(it.ca_, load_or_make_ca(directory, now));
  TRY(it.hub_, load_or_make_hub(directory, it.ca_, std::move(names), now));
  TRY(it.ca_pin_, net::pin_of_certificate(it.ca_.certificate));
  return it;
}

std::string Authority::join_line(const std::string& secret, const std::string& name) const {
  return "drover-join:v1:" + to_base64url(to_json_text(JoinLine{url_, secret, pins(), name}));
}

Result<Authority::Signed> Authority::sign(const std::string& csr, NodeId uid, std::string name,
                                          WallTime now) const {
  Signed out;
  TRY(out.answer.certificate, net::sign_agent(ca_, csr, to_string(uid), now));
  TRY(auto info, net::inspect(out.answer.certificate));
  out.serial = info.serial;
  out.key_pin = info.pin;
  out.answer.uid = to_string(uid);
  out.answer.name = std::move(name);
  out.answer.ca = ca_.certificate;
  out.answer.pins = pins();
  return out;
}

}  // namespace drover::hub
