// Joining and renewal. These routes know their callers by the join secret, or by the client certificate.

#include "hub/api/api.hpp"
#include "hub/codes.hpp"

namespace drover::hub {
namespace {

net::Awaitable<Result<JoinAnswer>> join(Api& api, ApiCall call, JoinInput input) {
  if (call.request.peer->transport != net::Transport::tls)
    co_return fail(Errc::denied, "joining needs TLS", {}, "use the address of the join line as it is");
  auto hash = hash_of_secret(input.secret);
  bool good = co_await api.engine.peek([hash](const HubCore& core) {
    for (const auto& [id, token] : core.state().join_tokens)
      if (token.hash == hash) return true;
    return false;
  });
  auto who = call.caller.who;
  who.actor = "agent:" + valid_utf8(input.name);
  if (!good) {  // only these are counted: a hundred hosts behind one address may join at once
    CO_TRYV(co_await api.access.login_attempt(call.request.peer->address));
    (void)co_await api.engine.submit(who, AuditNote{"node.join", "node " + valid_utf8(input.name), "denied",
                                                    "the join line is not valid"});
    co_return fail(Errc::denied, "the join line is not valid (any more)", {},
                   "make a new one: drover token create");
  }
  NodeId uid = fresh_id<NodeId>(api);
  CO_TRY(auto made, api.authority.sign(input.csr, uid, input.name, api.engine.clock().now().wall));
  CO_TRY([[maybe_unused]] auto done,
         co_await api.engine.submit(who, RegisterNode{hash, uid, input.name, made.serial, made.key_pin}));
  co_return made.answer;
}

net::Awaitable<Result<JoinAnswer>> renew(Api& api, ApiCall call, RenewInput input) {
  const auto& certificate = call.request.peer->certificate;
  if (!certificate) co_return fail(Errc::unauthenticated, "renewal needs the present certificate");
  auto id = parse_uuid(certificate->agent_uid);
  if (!id) co_return fail(Errc::denied, "this agent is not known here");
  NodeId uid{*id};
  auto name = co_await api.engine.peek([uid](const HubCore& core) {
    auto found = core.state().nodes.find(uid);
    return found == core.state().nodes.end() ? std::string() : found->second.row.node.name;
  });
  if (name.empty()) co_return fail(Errc::denied, "this agent is not known here", {}, "join again");
  CO_TRY(auto made, api.authority.sign(input.csr, uid, name, api.engine.clock().now().wall));
  auto who = call.caller.who;
  who.actor = "agent:" + name;
  CO_TRY([[maybe_unused]] auto done,
         co_await api.engine.submit(who, RenewNode{uid, made.serial, made.key_pin}));
  co_return made.answer;
}

}  // namespace

std::vector<ApiRoute> agent_routes() {
  return {open_route(route("POST", "/agents/join", "A host becomes a node, by a join line.", &join)),
          open_route(route("POST", "/agents/renew", "A new certificate for the bearer of the present one.",
                           &renew))};
}

}  // namespace drover::hub
