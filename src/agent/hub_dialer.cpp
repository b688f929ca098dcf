// WebSocket over mutual TLS, with the identity that joining brought.
#include "agent/dialer.hpp"
#include "agent/join.hpp"
#include "net/client.hpp"
#include "net/frame_socket.hpp"

namespace drover::agent {

namespace {

Result<std::shared_ptr<const net::TlsClient>> tls_of(const NodeIdentity& identity) {
  net::TlsClientSettings settings;
  settings.trust = net::TrustCa{{identity.ca}, net::CertRole::hub};
  settings.identity = identity.certificate;
  settings.sni = net::agents_sni;
  settings.tls13_only = true;
  return net::TlsClient::create(std::move(settings));
}

class HubDialer final : public Dialer {
 public:
  HubDialer(std::string state, NodeIdentity identity, net::Url url, std::shared_ptr<const net::TlsClient> tls,
            Duration connect)
      : state_(std::move(state)),
        identity_(std::move(identity)),
        url_(std::move(url)),
        tls_(std::move(tls)),
        connect_(connect) {}

  net::Awaitable<Result<std::shared_ptr<net::FrameLink>>> dial() override {
    CO_TRY(auto socket, co_await open("/ws/agent"));
    co_return net::frames_over(std::move(socket));
  }
  net::Awaitable<Result<std::shared_ptr<net::TextLink>>> dial_stream(std::string id) override {
    CO_TRY(auto socket, co_await open("/ws/stream/" + net::percent_encode(id)));
    co_return net::texts_over(std::move(socket));
  }
  std::string hub() const override { return identity_.hub; }

  net::Awaitable<Result<void>> maintain(WallTime now) override {
    CO_TRY(const auto present, net::inspect(identity_.certificate.certificate));
    if (!renewal_due(present, now)) co_return Result<void>();
    CO_TRY(auto fresh, co_await renew(identity_, connect_));
    CO_TRYV(save_node_identity(state_, fresh));
    CO_TRY(tls_, tls_of(fresh));
    identity_ = std::move(fresh);
    co_return Result<void>();
  }

 private:
  net::Awaitable<Result<net::WebSocket>> open(std::string path) {
    auto url = url_;
    url.target = std::move(path);
    net::ClientSettings client;
    client.tls = tls_;
    client.connect = connect_;
    return net::websocket_connect(std::move(url), std::move(client), net::session_settings());
  }

  std::string state_;
  NodeIdentity identity_;
  net::Url url_;
  std::shared_ptr<const net::TlsClient> tls_;
  Duration connect_;
};

}  // namespace

Result<std::shared_ptr<Dialer>> hub_dialer(const std::string& state, Duration connect) {
  TRY(auto identity, load_node_identity(state));
  TRY(auto url, net::parse_url(identity.hub));
  if (!url.tls())
    return fail(Errc::invalid, identity.hub + " is not an https address", {}, "join the hub again");
  url.scheme = "wss";
  TRY(auto tls, tls_of(identity));
  return std::make_shared<HubDialer>(state, std::move(identity), std::move(url), std::move(tls), connect);
}

}  // namespace drover::agent
