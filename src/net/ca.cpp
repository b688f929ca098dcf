#include "net/ca.hpp"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <time.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "net/openssl.hpp"

namespace drover::net {

namespace {

// Hosts' clocks are off; what was signed a moment ago must not be "not yet valid" there.
constexpr Duration clock_skew = std::chrono::days(1);
constexpr Duration ca_validity = std::chrono::days(20 * 365);

using BigPtr = std::unique_ptr<BIGNUM, Release<BN_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Release<X509_EXTENSION_free>>;
using RequestInfoPtr = std::unique_ptr<X509_NAME, Release<X509_NAME_free>>;

BioPtr memory(std::string_view text) { return BioPtr(BIO_new_mem_buf(text.data(), int(text.size()))); }

std::string text_of(BIO* bio) {
  char* data = nullptr;
  long size = BIO_get_mem_data(bio, &data);
  return {data, std::size_t(size)};
}

// A password callback that has none: an encrypted key is refused and nobody is asked on the terminal.
int no_password(char*, int, int, void*) { return -1; }

std::string pem_of(X509* certificate) {
  BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate);
  return text_of(out.get());
}

Secret<std::string> pem_of(EVP_PKEY* key) {
  BioPtr out(BIO_new(BIO_s_secmem()));
  PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return Secret<std::string>(text_of(out.get()));
}

Result<KeyPtr> new_key() {
  KeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return openssl_failure("cannot make a key");
  return key;
}

time_t unix_time(WallTime time) {
  return time_t(std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
}

WallTime wall_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return WallTime(std::chrono::seconds(timegm(&parts)));
}

// What every certificate of ours needs; the caller adds extensions and signs.
struct Draft {
  std::string common_name;
  WallTime now;
  Duration validity;
  EVP_PKEY* key;
  X509* issuer = nullptr;  // none: self-signed
};

bool set_serial(X509* certificate) {
  std::array<unsigned char, 16> random{};
  if (RAND_bytes(random.data(), int(random.size())) != 1) return false;
  random[0] = std::uint8_t((random[0] & 0x7f) | 0x40);  // positive, and always 16 bytes long
  BigPtr number(BN_bin2bn(random.data(), int(random.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

Result<CertPtr> draft(const Draft& wanted) {
  CertPtr certificate(X509_new());
  auto* subject = X509_get_subject_name(certificate.get());
  auto name = reinterpret_cast<const unsigned char*>(wanted.common_name.data());
  auto size = int(std::min<std::size_t>(wanted.common_name.size(), 64));  // ub-common-name
  bool fine = X509_set_version(certificate.get(), X509_VERSION_3) == 1 && set_serial(certificate.get()) &&
              X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name, size, -1, 0) == 1 &&
              X509_set_issuer_name(certificate.get(),
                                   wanted.issuer ? X509_get_subject_name(wanted.issuer) : subject) == 1 &&
              ASN1_TIME_set(X509_getm_notBefore(certificate.get()), unix_time(wanted.now - clock_skew)) &&
              ASN1_TIME_set(X509_getm_notAfter(certificate.get()), unix_time(wanted.now + wanted.validity)) &&
              X509_set_pubkey(certificate.get(), wanted.key) == 1;
  if (!fine) return openssl_failure("cannot fill in a certificate");
  return certificate;
}

Result<void> add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1)
    return openssl_failure("cannot add an extension to a certificate");
  return {};
}

Result<void> add_leaf_extensions(X509* certificate, X509* issuer, const std::string& usage,
                                 const std::string& names) {
  TRYV(add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE"));
  TRYV(add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature"));
  TRYV(add_extension(certificate, issuer, NID_ext_key_usage, usage));
  TRYV(add_extension(certificate, issuer, NID_subject_key_identifier, "hash"));
  TRYV(add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always"));
  return add_extension(certificate, issuer, NID_subject_alt_name, names);
}

Result<void> sign(X509* certificate, EVP_PKEY* key) {
  if (X509_sign(certificate, key, EVP_sha256()) == 0) return openssl_failure("cannot sign a certificate");
  return {};
}

struct Authority {
  KeyPtr key;
  CertPtr certificate;
};

Result<Authority> open_ca(const Identity& ca) {
  TRY(auto key, read_key(ca.key.reveal()));
  TRY(auto certificates, read_certificates(ca.certificate));
  if (X509_check_private_key(certificates[0].get(), key.get()) != 1)
    return openssl_failure("the CA's key is not its certificate's", Errc::invalid);
  return Authority{std::move(key), std::move(certificates[0])};
}

bool is_ip(const std::string& text) {
  std::array<unsigned char, 16> bytes{};
  return inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

// Names go into OpenSSL's "DNS:a,IP:b" syntax, so nothing that means something there may pass.
bool is_dns_name(std::string_view text) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '*' || c == '_';
  };
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), allowed);
}

Result<std::string> hub_names(const HubCertificate& wanted) {
  std::vector<std::string> parts{"URI:drover:hub", "DNS:localhost", "DNS:" + std::string(agents_sni),
                                 "IP:127.0.0.1", "IP:::1"};
  for (const auto& given : wanted.names) {
    if (!is_ip(given) && !is_dns_name(given))
      return fail(Errc::invalid, "\"" + valid_utf8(given) + "\" is neither a host name nor an IP address");
    auto part = (is_ip(given) ? "IP:" : "DNS:") + given;
    if (std::find(parts.begin(), parts.end(), part) == parts.end()) parts.push_back(part);
  }
  return join(parts, ",");
}

bool is_agent_uid(std::string_view uid) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !uid.empty() && uid.size() <= 64 && std::all_of(uid.begin(), uid.end(), allowed);
}

Result<KeyPtr> key_of_request(std::string_view pem) {
  auto bio = memory(pem);
  RequestPtr request(PEM_read_bio_X509_REQ(bio.get(), nullptr, no_password, nullptr));
  if (!request) return openssl_failure("this is not a certificate request", Errc::invalid);
  KeyPtr key(X509_REQ_get_pubkey(request.get()));
  if (!key || X509_REQ_verify(request.get(), key.get()) != 1)
    return openssl_failure("the request is not signed by its own key", Errc::invalid);
  std::array<char, 64> group{};
  std::size_t length = 0;
  if (EVP_PKEY_get_group_name(key.get(), group.data(), group.size(), &length) != 1 ||
      std::string_view(group.data(), length) != "prime256v1")
    return openssl_failure("the request's key is not an ECDSA P-256 key", Errc::invalid);
  return key;
}

}  // namespace

Result<Identity> create_ca(std::string_view name, WallTime now) {
  TRY(auto key, new_key());
  TRY(auto certificate, draft({std::string(name), now, ca_validity, key.get()}));
  auto* self = certificate.get();
  TRYV(add_extension(self, self, NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
  TRYV(add_extension(self, self, NID_key_usage, "critical,keyCertSign,cRLSign"));
  TRYV(add_extension(self, self, NID_subject_key_identifier, "hash"));
  TRYV(sign(self, key.get()));
  return Identity{pem_of(self), pem_of(key.get())};
}

Result<Identity> issue_hub(const Identity& ca, const HubCertificate& wanted, WallTime now) {
  TRY(auto authority, open_ca(ca));
  TRY(auto names, hub_names(wanted));
  TRY(auto key, new_key());
  auto* issuer = authority.certificate.get();
  TRY(auto certificate, draft({"Drover hub", now, wanted.validity, key.get(), issuer}));
  TRYV(add_leaf_extensions(certificate.get(), issuer, "serverAuth", names));
  TRYV(sign(certificate.get(), authority.key.get()));
  return Identity{pem_of(certificate.get()) + pem_of(issuer), pem_of(key.get())};
}

Result<Secret<std::string>> create_key() {
  TRY(auto key, new_key());
  return pem_of(key.get());
}

Result<std::string> create_request(const Secret<std::string>& key_pem) {
  TRY(auto key, read_key(key_pem.reveal()));
  RequestPtr request(X509_REQ_new());
  if (X509_REQ_set_pubkey(request.get(), key.get()) != 1 ||
      X509_REQ_sign(request.get(), key.get(), EVP_sha256()) == 0)
    return openssl_failure("cannot make a certificate request");
  BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_REQ(out.get(), request.get());
  return text_of(out.get());
}

Result<std::string> sign_agent(const Identity& ca, std::string_view request, std::string_view uid,
                               WallTime now, Duration validity) {
  if (!is_agent_uid(uid)) return fail(Errc::invalid, "an agent's uid is 1 to 64 letters, digits and dashes");
  TRY(auto authority, open_ca(ca));
  TRY(auto key, key_of_request(request));
  auto* issuer = authority.certificate.get();
  TRY(auto certificate, draft({"Drover agent " + std::string(uid), now, validity, key.get(), issuer}));
  TRYV(add_leaf_extensions(certificate.get(), issuer, "clientAuth", "URI:drover:agent/" + std::string(uid)));
  TRYV(sign(certificate.get(), authority.key.get()));
  return pem_of(certificate.get()) + pem_of(issuer);
}

Result<CertificateInfo> inspect(std::string_view certificate_pem) {
  TRY(auto certificates, read_certificates(certificate_pem));
  return describe(certificates[0].get());
}

Result<std::string> pin_of_certificate(std::string_view certificate_pem) {
  TRY(auto certificates, read_certificates(certificate_pem));
  return pin_of(certificates[0].get());
}

Result<std::string> pin_of_key(const Secret<std::string>& key_pem) {
  TRY(auto key, read_key(key_pem.reveal()));
  CertPtr holder(X509_new());
  if (X509_set_pubkey(holder.get(), key.get()) != 1) return openssl_failure("cannot read the public key");
  return pin_of(holder.get());
}

bool is_pin(std::string_view text) {
  constexpr std::string_view prefix = "sha256/";
  if (!text.starts_with(prefix) || text.size() != prefix.size() + 44 || !text.ends_with('=')) return false;
  auto digits = text.substr(prefix.size(), 43);
  return digits.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") ==
         text.npos;
}

Result<std::string> ca_of(std::string_view chain_pem) {
  TRY(auto certificates, read_certificates(chain_pem));
  return pem_of(certificates.back().get());
}

// --- internal, for tls.cpp
// -------------------------------------------------------------------------------------------

std::string drain_errors() {
  std::string out;
  for (auto code = ERR_get_error(); code != 0; code = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(code);
    if (!reason) continue;
    if (!out.empty()) out += "; ";
    out += reason;
  }
  return out;
}

std::unexpected<Error> openssl_failure(std::string what, Errc code) {
  return fail(code, std::move(what), drain_errors());
}

Result<KeyPtr> read_key(std::string_view pem) {
  auto bio = memory(pem);
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  if (!key) return openssl_failure("this is not a private key in PEM", Errc::invalid);
  return key;
}

Result<std::vector<CertPtr>> read_certificates(std::string_view pem) {
  auto bio = memory(pem);
  std::vector<CertPtr> out;
  while (auto* certificate = PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)) {
    out.emplace_back(certificate);
    if (out.size() > 16) return fail(Errc::invalid, "there are more than 16 certificates in one chain");
  }
  auto why = drain_errors();  // the end of the input is an error, too
  if (out.empty()) return fail(Errc::invalid, "this is not a certificate in PEM", why);
  return out;
}

std::string pin_of(X509* certificate) {
  unsigned char* encoded = nullptr;
  int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &encoded);
  if (size <= 0) return {};
  std::array<unsigned char, 32> digest{};
  EVP_Digest(encoded, std::size_t(size), digest.data(), nullptr, EVP_sha256(), nullptr);
  OPENSSL_free(encoded);
  std::array<unsigned char, 64> base64{};
  int length = EVP_EncodeBlock(base64.data(), digest.data(), int(digest.size()));
  return "sha256/" + std::string(reinterpret_cast<char*>(base64.data()), std::size_t(length));
}

namespace {

std::vector<std::string> uris_of(X509* certificate) {
  std::vector<std::string> out;
  auto* names =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    int type = 0;
    auto* value = static_cast<ASN1_STRING*>(GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type));
    if (type == GEN_URI)
      out.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                       std::size_t(ASN1_STRING_length(value)));
  }
  GENERAL_NAMES_free(names);
  return out;
}

void read_role(X509* certificate, CertificateInfo& info) {
  constexpr std::string_view agent_prefix = "drover:agent/";
  auto usage = X509_get_extended_key_usage(certificate);
  auto uris = uris_of(certificate);
  if (usage == UINT32_MAX || uris.size() != 1) return;  // no restriction at all is not a role
  if (uris[0] == "drover:hub" && (usage & XKU_SSL_SERVER) != 0) info.role = CertRole::hub;
  if (!uris[0].starts_with(agent_prefix) || (usage & XKU_SSL_CLIENT) == 0) return;
  auto uid = uris[0].substr(agent_prefix.size());
  if (!is_agent_uid(uid)) return;
  info.role = CertRole::agent;
  info.agent_uid = uid;
}

std::string serial_of(X509* certificate) {
  BigPtr number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  char* hex = number ? BN_bn2hex(number.get()) : nullptr;
  std::string out = hex ? hex : "";
  OPENSSL_free(hex);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? char(c + 32) : c; });
  return out;
}

}  // namespace

CertificateInfo describe(X509* certificate) {
  CertificateInfo info;
  read_role(certificate, info);
  info.serial = serial_of(certificate);
  info.pin = pin_of(certificate);
  std::array<char, 256> name{};
  if (X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name.data(),
                                int(name.size())) > 0)
    info.common_name = valid_utf8(name.data());
  info.not_before = wall_time(X509_get0_notBefore(certificate));
  info.not_after = wall_time(X509_get0_notAfter(certificate));
  return info;
}

}  // namespace drover::net
