#include "net/tls.hpp"

#include <algorithm>

#include "net/http.hpp"
#include "net/tls_session.hpp"

namespace drover::net {

namespace {

class ServerImpl final : public TlsServer {
 public:
  TlsServerSettings settings;
  ContextPtr browsers;
  ContextPtr agents;
};

class ClientImpl final : public TlsClient {
 public:
  TlsClientSettings settings;
  ContextPtr context;
};

Result<ContextPtr> new_context(const SSL_METHOD* method) {
  ContextPtr context(SSL_CTX_new(method));
  if (!context) return openssl_failure("cannot set up TLS");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // No resumption: OpenSSL does not verify again on it, and a revocation would slip through.
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

Result<void> use_identity(SSL_CTX* context, const Identity& identity) {
  TRY(auto key, read_key(identity.key.reveal()));
  TRY(auto certificates, read_certificates(identity.certificate));
  STACK_OF(X509)* chain = sk_X509_new_null();
  for (std::size_t i = 1; i < certificates.size(); ++i) sk_X509_push(chain, certificates[i].get());
  bool fine = SSL_CTX_use_cert_and_key(context, certificates[0].get(), key.get(), chain, 1) == 1;
  sk_X509_free(chain);
  if (!fine) return openssl_failure("the certificate cannot be used with its key", Errc::invalid);
  return {};
}

Result<void> trust_cas(X509_STORE* store, const std::vector<std::string>& cas) {
  if (cas.empty()) return fail(Errc::invalid, "TLS needs a CA to verify with");
  for (const auto& pem : cas) {
    TRY(auto certificates, read_certificates(pem));
    for (auto& certificate : certificates)
      if (X509_STORE_add_cert(store, certificate.get()) != 1) return openssl_failure("cannot trust a CA");
  }
  return {};
}

int refuse(X509_STORE_CTX* context, int reason) {
  X509_STORE_CTX_set_error(context, reason);
  return 0;
}

// --- server
// ----------------------------------------------------------------------------------------------------------

int let_expired_leaf_pass(int fine, X509_STORE_CTX* context) {
  if (fine == 1) return 1;
  bool only_expired = X509_STORE_CTX_get_error(context) == X509_V_ERR_CERT_HAS_EXPIRED &&
                      X509_STORE_CTX_get_error_depth(context) == 0;
  if (only_expired) X509_STORE_CTX_set_error(context, X509_V_OK);
  return only_expired ? 1 : 0;
}

// Chain, purpose and times by OpenSSL; then the role and the registry, which the CA's signature alone does
// not prove.
int verify_agent(X509_STORE_CTX* context, void* argument) {
  const auto& admission = *static_cast<const AgentAdmission*>(argument);
  if (admission.allow_expired) X509_STORE_CTX_set_verify_cb(context, let_expired_leaf_pass);
  if (X509_verify_cert(context) != 1) return 0;
  auto info = describe(X509_STORE_CTX_get0_cert(context));
  if (info.role != CertRole::agent) return refuse(context, X509_V_ERR_INVALID_PURPOSE);
  if (admission.allowed && !admission.allowed(info.agent_uid, info.serial))
    return refuse(context, X509_V_ERR_CERT_REVOKED);
  return 1;
}

int choose_by_name(SSL* ssl, int* alert, void* argument) {
  const auto& server = *static_cast<const ServerImpl*>(argument);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (!name || !server.agents || !same_header(name, server.settings.agents->sni)) return SSL_TLSEXT_ERR_OK;
  if (SSL_version(ssl) < TLS1_3_VERSION) {
    *alert = SSL_AD_PROTOCOL_VERSION;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  SSL_set_SSL_CTX(ssl, server.agents.get());
  int mode = SSL_VERIFY_PEER;
  if (server.settings.agents->certificate_required) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_set_verify(ssl, mode, nullptr);  // the context's own mode does not come along
  return SSL_TLSEXT_ERR_OK;
}

Result<void> prepare_agents(ServerImpl& server) {
  const auto& identity = server.settings.agent_identity.value_or(server.settings.identity);
  TRY(auto info, inspect(identity.certificate));
  if (info.role != CertRole::hub && info.role != CertRole::agent)
    return fail(Errc::invalid, "the certificate that agents see must have the role hub");
  TRY(server.agents, new_context(TLS_server_method()));
  TRYV(use_identity(server.agents.get(), identity));
  TRYV(trust_cas(SSL_CTX_get_cert_store(server.agents.get()), server.settings.agents->cas));
  SSL_CTX_set_cert_verify_callback(server.agents.get(), verify_agent, &*server.settings.agents);
  return {};
}

// --- client
// ----------------------------------------------------------------------------------------------------------

bool pinned(const TrustPins& trust, X509* certificate) {
  auto pin = pin_of(certificate);
  return std::find(trust.pins.begin(), trust.pins.end(), pin) != trust.pins.end();
}

// The chain from the leaf to exactly this CA.
bool chain_to(X509_STORE_CTX* shown, X509* ca) {
  StorePtr store(X509_STORE_new());
  StoreContextPtr context(X509_STORE_CTX_new());
  if (X509_STORE_add_cert(store.get(), ca) != 1) return false;
  if (X509_STORE_CTX_init(context.get(), store.get(), X509_STORE_CTX_get0_cert(shown),
                          X509_STORE_CTX_get0_untrusted(shown)) != 1)
    return false;
  X509_STORE_CTX_set_default(context.get(), "ssl_server");
  return X509_verify_cert(context.get()) == 1;
}

int verify_pins(X509_STORE_CTX* context, const TrustPins& trust) {
  auto* leaf = X509_STORE_CTX_get0_cert(context);
  if (pinned(trust, leaf)) return 1;
  auto* others = X509_STORE_CTX_get0_untrusted(context);
  // Under a pinned CA everything that it signed would pass, agents included: so the role counts.
  bool hub = describe(leaf).role == CertRole::hub;
  for (int i = 0; hub && i < sk_X509_num(others); ++i) {
    auto* other = sk_X509_value(others, i);
    if (pinned(trust, other) && X509_check_ca(other) == 1 && chain_to(context, other)) return 1;
  }
  return refuse(context, X509_V_ERR_APPLICATION_VERIFICATION);
}

int verify_role(X509_STORE_CTX* context, CertRole role) {
  auto* parameters = X509_STORE_CTX_get0_param(context);
  if (role == CertRole::agent) X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_CLIENT);
  if (X509_verify_cert(context) != 1) return 0;
  if (describe(X509_STORE_CTX_get0_cert(context)).role != role)
    return refuse(context, X509_V_ERR_INVALID_PURPOSE);
  return 1;
}

int verify_server(X509_STORE_CTX* context, void* argument) {
  const auto& trust = static_cast<const TlsClientSettings*>(argument)->trust;
  if (auto* pins = std::get_if<TrustPins>(&trust)) return verify_pins(context, *pins);
  if (auto* ca = std::get_if<TrustCa>(&trust)) return verify_role(context, ca->role);
  return X509_verify_cert(context);  // system roots; the host's name is in its parameters
}

Result<void> prepare_trust(ClientImpl& client) {
  auto* context = client.context.get();
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, verify_server, &client.settings);
  if (auto* pins = std::get_if<TrustPins>(&client.settings.trust)) {
    if (pins->pins.empty()) return fail(Errc::invalid, "TLS with pins needs at least one pin");
    for (const auto& pin : pins->pins)
      if (!is_pin(pin))
        return fail(Errc::invalid, "a pin is sha256/ and 44 characters of base64", pin.substr(0, 100));
  } else if (auto* ca = std::get_if<TrustCa>(&client.settings.trust)) {
    if (ca->role == CertRole::none) return fail(Errc::invalid, "TLS with our CA needs a role to verify");
    return trust_cas(SSL_CTX_get_cert_store(context), ca->cas);
  } else if (SSL_CTX_set_default_verify_paths(context) != 1) {
    return openssl_failure("cannot load the system's root certificates");
  }
  return {};
}

Result<void> set_server_name(SSL* ssl, const TlsClientSettings& settings, const std::string& host) {
  const auto& name = settings.sni.empty() ? host : settings.sni;
  bool address = name.find(':') != name.npos || name.find_first_not_of("0123456789.") == name.npos;
  if (!address && SSL_set_tlsext_host_name(ssl, name.c_str()) != 1)
    return openssl_failure("cannot set the server name");
  if (!std::holds_alternative<TrustSystem>(settings.trust)) return {};
  bool host_is_address = host.find(':') != host.npos || host.find_first_not_of("0123456789.") == host.npos;
  auto* parameters = SSL_get0_param(ssl);
  bool fine = host_is_address ? X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1
                              : SSL_set1_host(ssl, host.c_str()) == 1;
  if (!fine || host.empty()) return openssl_failure("cannot verify this host name", Errc::invalid);
  return {};
}

}  // namespace

Result<std::shared_ptr<const TlsServer>> TlsServer::create(TlsServerSettings settings) {
  auto server = std::make_shared<ServerImpl>();
  server->settings = std::move(settings);
  TRY(server->browsers, new_context(TLS_server_method()));
  TRYV(use_identity(server->browsers.get(), server->settings.identity));
  if (server->settings.agents) {
    TRYV(prepare_agents(*server));
  }
  SSL_CTX_set_tlsext_servername_callback(server->browsers.get(), choose_by_name);
  SSL_CTX_set_tlsext_servername_arg(server->browsers.get(), server.get());
  return server;
}

Result<std::shared_ptr<const TlsClient>> TlsClient::create(TlsClientSettings settings) {
  auto client = std::make_shared<ClientImpl>();
  client->settings = std::move(settings);
  TRY(client->context, new_context(TLS_client_method()));
  if (client->settings.tls13_only) SSL_CTX_set_min_proto_version(client->context.get(), TLS1_3_VERSION);
  if (client->settings.identity) {
    TRYV(use_identity(client->context.get(), *client->settings.identity));
  }
  TRYV(prepare_trust(*client));
  return client;
}

Result<TlsSession> accept_tls(std::shared_ptr<const TlsServer> server) {
  const auto& impl = static_cast<const ServerImpl&>(*server);
  TlsSession session{server, SslPtr(SSL_new(impl.browsers.get()))};
  if (!session.ssl) return openssl_failure("cannot start TLS");
  SSL_set_accept_state(session.ssl.get());
  return session;
}

Result<TlsSession> connect_tls(std::shared_ptr<const TlsClient> client, const std::string& host) {
  const auto& impl = static_cast<const ClientImpl&>(*client);
  TlsSession session{client, SslPtr(SSL_new(impl.context.get()))};
  if (!session.ssl) return openssl_failure("cannot start TLS");
  TRYV(set_server_name(session.ssl.get(), impl.settings, host));
  SSL_set_connect_state(session.ssl.get());
  return session;
}

std::string sni_of(const SSL* ssl) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  return name ? name : "";
}

std::optional<CertificateInfo> peer_certificate(const SSL* ssl) {
  CertPtr certificate(SSL_get1_peer_certificate(ssl));
  if (!certificate) return std::nullopt;
  auto info = describe(certificate.get());
  info.expired = X509_cmp_current_time(X509_get0_notAfter(certificate.get())) < 0;
  return info;
}

std::string verification_problem(const SSL* ssl) {
  auto result = SSL_get_verify_result(ssl);
  if (result == X509_V_OK) return {};
  if (result == X509_V_ERR_APPLICATION_VERIFICATION) return "its key is not one of the pinned keys";
  if (result == X509_V_ERR_INVALID_PURPOSE) return "its certificate is for another role";
  return X509_verify_cert_error_string(result);
}

}  // namespace drover::net
