#include "hub/serve.hpp"

#include "hub/assets.hpp"
#include "hub/sessions.hpp"
#include "net/frame_socket.hpp"

namespace drover::hub {

net::Response problem(const Error& error, const Who& who) {
  auto response = net::problem_response(error, who.correlation);
  if (error.code == Errc::unavailable) response.headers.set("Retry-After", "5");
  return response;
}

namespace {

void add_api_headers(net::Response& response, const Who& who) {
  response.headers.set("X-Request-Id", who.correlation);
  response.headers.set("X-Content-Type-Options", "nosniff");
  if (!response.headers.has("Cache-Control")) response.headers.set("Cache-Control", "no-store");
}

/// Refusals are on the audit log too, but for the many that only have not logged in yet.
net::Awaitable<void> audit_refusal(Api& api, const net::Request& request, Who who, Error error) {
  if (error.code != Errc::denied) co_return;
  (void)co_await api.engine.submit(
      std::move(who), AuditNote{"request", request.method + " " + request.route, "denied", error.message});
}

net::Awaitable<net::Response> answer(ServeParts parts, const ApiRoute& route, net::Request& request) {
  auto caller = Access::anonymous(request);
  if (!route.open) {
    auto known = route.agents ? co_await parts.api.access.identify_agent(request)
                              : co_await parts.api.access.identify(request);
    if (!known) {
      co_await audit_refusal(parts.api, request, caller.who, known.error());
      co_return problem(known.error(), caller.who);
    }
    caller = std::move(*known);
  }
  auto who = caller.who;
  auto result = co_await route.handler(parts.api, ApiCall{request, std::move(caller)});
  if (!result && result.error().code == Errc::internal)
    parts.log.error("a request failed", {{"route", route.path},
                                         {"error", result.error().message},
                                         {"cause", result.error().cause},
                                         {"correlationId", who.correlation}});
  auto response = result ? std::move(*result) : problem(result.error(), who);
  // What only looks is not worth a record.
  if (request.method != "GET")
    parts.log.info("request", {{"correlationId", who.correlation},
                               {"method", request.method},
                               {"path", request.path},
                               {"status", std::to_string(response.status)},
                               {"actor", who.actor},
                               {"origin", who.origin},
                               {"reason", result ? "" : result.error().message}});
  add_api_headers(response, who);
  co_return response;
}

net::Awaitable<net::Response> counted(ServeParts parts, std::shared_ptr<const ApiRoute> route,
                                      std::size_t series, net::Request& request) {
  auto began = parts.api.engine.clock().now().boot;
  auto response = co_await answer(parts, *route, request);
  parts.metrics.count(series, response.status, parts.api.engine.clock().now().boot - began);
  co_return response;
}

// ---- beside the API

net::Awaitable<net::Response> health(ServeParts parts, net::Request&) {
  bool healthy = !parts.api.engine.read_only();
  auto now = parts.api.engine.clock().now();
  json::object store{{"status", healthy ? "healthy" : "read_only"}};
  if (!healthy)
    store["hint"] = "the disk is full: make room on the disk that holds the hub's state directory";
  json::object out{{"status", healthy ? "healthy" : "unhealthy"},
                   {"timestamp", format_time(now.wall)},
                   {"healthy", healthy},
                   {"uptime", std::int64_t(seconds(now.boot - parts.started))},
                   {"services", json::object{{"store", std::move(store)}}}};
  auto response = net::json_response(healthy ? 200 : 503, print_json(out));
  response.headers.set("Cache-Control", "no-store");
  co_return response;
}

net::Awaitable<net::Response> live(net::Request&) { co_return net::text_response(200, "ok\n"); }

/// Ready: the core answers and what it says is durable.
net::Awaitable<net::Response> ready(ServeParts parts, net::Request&) {
  auto there =
      co_await net::within(2s, parts.api.engine.read([](const HubCore&) { return true; }), "the core");
  co_return net::text_response(there ? 200 : 503, there ? "ok\n" : "not ready\n");
}

net::Awaitable<net::Response> metrics(ServeParts parts, net::Request& request) {
  auto caller = co_await parts.api.access.identify(request);
  if (!caller) co_return problem(caller.error(), Access::anonymous(request).who);
  auto out = co_await parts.api.engine.peek([](const HubCore& core) { return fleet_metrics(core); });
  out += "# HELP drover_build_info What runs.\n# TYPE drover_build_info gauge\ndrover_build_info{version=\"" +
         parts.api.version + "\",revision=\"" + parts.api.revision + "\"} 1\n";
  out +=
      "# HELP drover_commits_total Commits of the store.\n# TYPE drover_commits_total "
      "counter\ndrover_commits_total " +
      std::to_string(parts.api.engine.commits()) + "\n";
  out +=
      "# HELP drover_read_only 1 while the disk is full.\n# TYPE drover_read_only gauge\ndrover_read_only " +
      std::string(parts.api.engine.read_only() ? "1\n" : "0\n");
  parts.metrics.print(out);
  co_return net::text_response(200, std::move(out), "text/plain; version=0.0.4; charset=utf-8");
}

net::Awaitable<net::Response> asset(net::Request& request) { co_return serve_asset(request); }

// ---- WebSockets

net::Awaitable<net::Response> ui_stream(ServeParts parts, net::Request& request) {
  auto caller = co_await parts.api.access.identify(request);
  if (!caller) {
    auto who = Access::anonymous(request).who;
    co_await audit_refusal(parts.api, request, who, caller.error());
    co_return problem(caller.error(), who);
  }
  net::WebSocketSettings settings;
  settings.max_message = 16 << 10;
  co_return net::upgrade_to(
      [&api = parts.api](net::WebSocket socket) { return run_ui_stream(api, std::move(socket)); }, settings);
}

/// The node that the client certificate names. Registered and current was checked in the handshake.
Result<NodeId> agent_of(const net::Request& request) {
  const auto& certificate = request.peer->certificate;
  if (!certificate) return fail(Errc::unauthenticated, "only agents, with their certificate, come in here");
  if (certificate->expired)
    return fail(Errc::denied, "the agent's certificate has expired", {}, "it renews it by itself");
  auto uid = parse_uuid(certificate->agent_uid);
  if (!uid) return fail(Errc::denied, "this agent is not known here");
  return NodeId{*uid};
}

net::Awaitable<void> serve_agent(ServeParts parts, NodeId uid, std::string address, net::WebSocket socket) {
  co_await run_session(parts.api.engine, parts.log, net::frames_over(std::move(socket)), uid,
                       std::move(address));
}

net::Awaitable<net::Response> agent_link(ServeParts parts, net::Request& request) {
  auto uid = agent_of(request);
  if (!uid) co_return problem(uid.error(), Access::anonymous(request).who);
  // Once more: the certificate may have been replaced since the handshake of a kept connection.
  if (!parts.api.engine.admits(to_string(*uid), request.peer->certificate->serial))
    co_return problem({Errc::denied, "this agent's certificate is not valid any more", {}, "join again", {}},
                      Access::anonymous(request).who);
  co_return net::upgrade_to(
      [parts, uid = *uid, address = request.peer->address](net::WebSocket socket) {
        return serve_agent(parts, uid, address, std::move(socket));
      },
      net::session_settings());
}

/// The socket lives on this connection's executor, its reader on another one: records cross over by a pipe.
net::Awaitable<void> pass_on(std::shared_ptr<net::TextLink> from, std::shared_ptr<net::TextLink> to) {
  for (;;) {
    auto record = co_await from->receive();
    if (!record || !co_await to->send(std::move(*record))) break;
  }
  from->close("over");
  to->close("over");
}
net::Awaitable<void> watch_reader(std::shared_ptr<net::TextLink> to, std::shared_ptr<net::TextLink> from) {
  while (co_await to->receive()) {
  }
  from->close("the reader is gone");
}

net::Awaitable<void> serve_log(ServeParts parts, NodeId uid, std::string id, net::WebSocket socket) {
  std::shared_ptr<net::TextLink> link = net::texts_over(std::move(socket));
  auto [ours, theirs] = net::make_pipe<std::string>(64);
  if (!co_await parts.api.streams.offer(std::move(id), uid, theirs)) {
    link->close("nobody waits for this stream");
    co_return;
  }
  theirs.reset();
  net::TaskGroup tasks(
      co_await net::current_executor(), [&log = parts.log](std::string_view task, std::string_view what) {
        log.error("a log stream failed", {{"task", std::string(task)}, {"error", std::string(what)}});
      });
  tasks.spawn(pass_on(link, ours), "records");
  tasks.spawn(watch_reader(ours, link), "reader");
  co_await tasks.join();
}

net::Awaitable<net::Response> log_link(ServeParts parts, net::Request& request) {
  auto uid = agent_of(request);
  if (!uid) co_return problem(uid.error(), Access::anonymous(request).who);
  auto id = std::string(request.parameter("id"));
  co_return net::upgrade_to(
      [parts, uid = *uid, id](net::WebSocket socket) { return serve_log(parts, uid, id, std::move(socket)); },
      net::session_settings());
}

net::Awaitable<net::Response> unknown_api(net::Request& request) {
  co_return problem(
      {Errc::not_found, "there is nothing at " + request.path, {}, "see /api/v1/openapi.json", {}},
      Access::anonymous(request).who);
}

}  // namespace

net::Router make_router(ServeParts parts) {
  net::Router router;
  for (auto& it : all_routes()) {
    auto route = std::make_shared<const ApiRoute>(std::move(it));
    auto path = route->base + route->path;
    auto series = parts.metrics.add(route->method, path);
    router.add(
        {route->method, path,
         [parts, route, series](net::Request& request) { return counted(parts, route, series, request); },
         route->max_body});
  }
  for (auto* path : {"/health", "/api/v1/health"})
    router.add({"GET", path, [parts](net::Request& request) { return health(parts, request); }});
  router.add({"GET", "/livez", [](net::Request& request) { return live(request); }});
  router.add({"GET", "/readyz", [parts](net::Request& request) { return ready(parts, request); }});
  router.add({"GET", "/metrics", [parts](net::Request& request) { return metrics(parts, request); }});
  router.add({"GET", "/api/v1/stream", [parts](net::Request& request) { return ui_stream(parts, request); }});
  router.add({"GET", "/ws/agent", [parts](net::Request& request) { return agent_link(parts, request); }});
  router.add({"GET", "/ws/stream/{id}", [parts](net::Request& request) { return log_link(parts, request); }});
  for (auto* path : {"/api/{rest*}", "/compat/{rest*}"})
    router.add({"GET", path, [](net::Request& request) { return unknown_api(request); }});
  router.add({"GET", "/{rest*}", [](net::Request& request) { return asset(request); }});
  return router;
}

}  // namespace drover::hub
