#include "agent/local_api.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "agent/local_logs.hpp"
#include "agent/metrics.hpp"
#include "agent/ports.hpp"
#include "agent/views.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "net/problem.hpp"
#include "net/router.hpp"
#include "runtime/ports.hpp"

namespace drover::agent {

using net::Request;
using net::Response;

namespace {

constexpr Duration command_patience = 35s;  // the core answers within 30 s

/// A command on its way through the core; touched on the agent's executor until `done`.
struct Waiting {
  std::optional<Result<std::string>> result;
  net::Event done;
};

struct Done {
  bool success = true;
  std::string message;
};
BOOST_DESCRIBE_STRUCT(Done, (), (success, message))

template <class T>
Response json_of(const T& value, int status = 200) {
  return net::json_response(status, to_json_text(value));
}

std::string who_asks(const net::Peer& peer) {
  if (peer.uid) return fmt::format("unix:{}", *peer.uid);
  return peer.address.empty() ? "unix" : peer.address;
}

}  // namespace

struct LocalApi::Impl {
  Impl(Parts its_parts, const AgentOptions& its_options)
      : parts(std::move(its_parts)),
        options(its_options),
        started(parts.clock.now().boot),
        server(parts.pool, settings(), [this](Request& request) { return handle(request); }) {
    add_routes();
  }

  Parts parts;
  const AgentOptions& options;
  BootTime started;
  std::uint16_t port = 0;
  net::Router router;
  net::HttpServer server;
  std::map<std::string, std::shared_ptr<Waiting>> waiting;
  std::uint64_t next_command = 0;

  net::ServerSettings settings() {
    net::ServerSettings settings;
    settings.max_connections = 1024;
    settings.on_problem = [&log = parts.log](const Error& error) {
      log.warn("local API", {{"error", error.message}, {"cause", error.cause}});
    };
    return settings;
  }

  void add(std::string method, std::string pattern, net::Awaitable<Response> (Impl::*handler)(Request&)) {
    router.add({std::move(method), std::move(pattern),
                [this, handler](Request& request) { return (this->*handler)(request); }});
  }
  void add_routes() {
    for (const std::string prefix : {"", "/api/v1"}) add("GET", prefix + "/health", &Impl::health);
    add("GET", "/livez", &Impl::alive);
    add("GET", "/readyz", &Impl::ready);
    add("GET", "/version", &Impl::version);
    add("GET", "/services", &Impl::services);
    add("GET", "/services/{name}/health", &Impl::service_health);
    add("GET", "/services/{stack}/{name}/health", &Impl::service_health);
    add("POST", "/services/{name}/{action}", &Impl::command);
    add("POST", "/services/{stack}/{name}/{action}", &Impl::command);
    add("GET", "/instances", &Impl::instances);
    add("GET", "/instances/{id}/probes", &Impl::probes);
    add("GET", "/ports", &Impl::ports);
    add("GET", "/logs", &Impl::logs);
    add("GET", "/own-logs", &Impl::own_logs);
    add("GET", "/metrics", &Impl::metrics);
  }

  net::Awaitable<Response> handle(Request& request) {
    const bool open_to_all =
        request.method == "GET" && (request.path == "/health" || request.path == "/api/v1/health");
    if (!open_to_all) {
      const auto uid = request.peer->uid;
      if (!uid || (*uid != 0 && *uid != ::geteuid()))
        co_return net::problem_response(Error{Errc::denied,
                                              "this API is for root and the agent's own user",
                                              "the caller is " + who_asks(*request.peer),
                                              "ask as that user, or ask the hub; GET /health is open to all",
                                              {}});
      if (request.method != "GET" && net::from_other_site(request))
        co_return net::problem_response(
            Error{Errc::denied, "a page of another site asks for this", {}, {}, {}});
    }
    co_return co_await router.answer(request);
  }

  /// fn(core) on the agent's executor.
  template <class F>
  auto look(F fn) -> net::Awaitable<std::invoke_result_t<F, const AgentCore&>> {
    std::optional<std::invoke_result_t<F, const AgentCore&>> out;
    co_await net::run_on(parts.executor, [&] { out.emplace(fn(parts.core.core())); });
    co_return std::move(*out);
  }

  /// Why the agent itself is not well; empty: it is.
  net::Awaitable<std::string> trouble() {
    std::string why;
    co_await net::run_on(parts.executor, [&] {
      if (!parts.driver.keeper().connected()) why = "the keeper cannot be reached";
      else if (!parts.core.journal_error().empty())
        why = "the journal cannot be written: " + parts.core.journal_error();
    });
    co_return why;
  }

  net::Awaitable<Response> health(Request&) {
    HealthView view;
    view.timestamp = parts.clock.now().wall;
    view.uptime = drover::seconds(parts.clock.now().boot - started);
    view.reason = co_await trouble();
    for (const auto& service : co_await look(service_views)) {
      view.services[service.stack + "/" + service.name] = service.health;
      if (service.health == "unhealthy" && view.reason.empty())
        view.reason = fmt::format("{}/{} is unhealthy", service.stack, service.name);
    }
    view.healthy = view.reason.empty();
    view.status = view.healthy ? "healthy" : "unhealthy";
    co_return json_of(view, view.healthy ? 200 : 503);
  }
  net::Awaitable<Response> alive(Request&) {
    co_await look([](const AgentCore&) { return 0; });  // the core still turns
    co_return net::text_response(200, "ok\n");
  }
  net::Awaitable<Response> ready(Request&) {
    const auto why = co_await trouble();
    co_return net::text_response(why.empty() ? 200 : 503, (why.empty() ? "ok" : why) + "\n");
  }
  net::Awaitable<Response> version(Request&) {
    co_return net::json_response(200, print_json(json::object{{"name", "drover-agent"},
                                                              {"version", options.version},
                                                              {"protocol", protocol_version},
                                                              {"node", parts.node},
                                                              {"hub", parts.hub}}));
  }
  net::Awaitable<Response> services(Request&) {
    const auto all = co_await look(service_views);
    co_return net::json_response(200, print_json(json::object{{"services", to_json(all)}}));
  }
  net::Awaitable<Response> instances(Request&) {
    const auto all = co_await look(instance_views);
    co_return net::json_response(200, print_json(json::object{{"items", to_json(all)}}));
  }
  net::Awaitable<Response> probes(Request& request) {
    const auto id = parse_uuid(request.parameter("id"));
    const auto all = co_await look(instance_views);
    const auto known = [&](const InstanceView& one) { return id && one.id == InstanceId{*id}; };
    if (std::ranges::none_of(all, known))
      co_return net::problem_response(
          Error{Errc::not_found, "no such instance on this node", {}, "GET /instances has the ids", {}});
    co_return json_of(co_await look([&](const AgentCore& core) { return ProbesView{core.probes({*id})}; }));
  }
  net::Awaitable<Response> ports(Request&) {
    auto all = co_await look(port_views);
    const auto now = parts.clock.now().wall;
    co_await net::run_on(parts.files, [&] { look_who_listens(all, now); });
    for (auto& view : all) view.node = parts.node;
    co_return net::json_response(200, print_json(json::object{{"items", to_json(all)}}));
  }

  static std::string target_of(const Request& request) {
    const auto stack = request.parameter("stack");
    return stack.empty() ? std::string(request.parameter("name"))
                         : fmt::format("{}/{}", stack, request.parameter("name"));
  }

  net::Awaitable<Response> service_health(Request& request) {
    const auto found = find_service_view(co_await look(service_views), target_of(request));
    if (!found) co_return net::problem_response(found.error());
    co_return json_of(*found, found->health == "unhealthy" ? 503 : 200);
  }

  net::Awaitable<Response> command(Request& request) {
    LocalCommand what;
    what.action = request.parameter("action");
    what.target = target_of(request);
    what.who.actor = who_asks(*request.peer);
    what.who.origin = "agent " + parts.node;
    auto answer = std::make_shared<Waiting>();
    std::string id;
    co_await net::run_on(parts.executor, [&] {
      id = what.id = fmt::format("local-{}", ++next_command);
      waiting[id] = answer;
      parts.core.feed(what);
    });
    const bool answered = co_await answer->done.wait_for(command_patience);
    std::optional<Result<std::string>> result;
    co_await net::run_on(parts.executor, [&] {
      waiting.erase(id);
      result = answer->result;
    });
    if (!answered || !result)
      co_return net::problem_response(
          Error{Errc::timeout, "no answer in time", {}, "it may still be done", {}});
    if (!*result) co_return net::problem_response(result->error());
    co_return json_of(Done{true, **result}, 202);
  }

  Result<std::vector<runtime::LogSource>> sources_of(const std::vector<InstanceView>& all,
                                                     std::string_view wanted) const {
    std::vector<runtime::LogSource> sources;
    for (const auto& one : all) {
      const auto full = one.stack + "/" + one.name, service = one.stack + "/" + one.service;
      if (!wanted.empty() && wanted != full && wanted != service && wanted != one.name &&
          wanted != one.service && wanted != one.stack && wanted != to_string(one.id))
        continue;
      sources.push_back({full, runtime::log_directory(parts.driver.paths(), one.stack, one.name, one.id)});
    }
    if (sources.empty() && !wanted.empty())
      return fail(Errc::not_found, fmt::format("nothing on this node is called \"{}\"", wanted));
    return sources;
  }

  net::Awaitable<Response> own_logs(Request& request) {
    auto sources = own_log_sources(parts.driver.paths(), request.query.get("program").value_or(""));
    if (!sources) co_return net::problem_response(sources.error());
    co_return answer_logs(request, {parts.files, parts.clock.now().wall}, std::move(*sources));
  }

  net::Awaitable<Response> logs(Request& request) {
    const auto wanted = request.query.get("service").value_or(request.query.get("instance").value_or(""));
    auto sources = sources_of(co_await look(instance_views), wanted);
    if (!sources) co_return net::problem_response(sources.error());
    co_return answer_logs(request, {parts.files, parts.clock.now().wall}, std::move(*sources));
  }

  struct Usage {
    InstanceView view;
    runtime::RunStats stats;
  };
  /// Figures are taken on the agent's executor, where the driver lives.
  net::Awaitable<void> measure(std::vector<Usage>* out) {
    for (auto& view : instance_views(parts.core.core())) {
      auto stats = co_await parts.driver.stats({view.id, view.incarnation});
      out->push_back({std::move(view), stats.value_or(runtime::RunStats{})});
    }
  }

  net::Awaitable<Response> metrics(Request&) {
    auto usage = std::make_shared<std::vector<Usage>>();
    net::TaskGroup group(parts.executor, {});
    group.spawn(measure(usage.get()));
    co_await group.join();
    Exposition out;
    out.family("drover_build_info", "gauge", "This program.").sample({{"version", options.version}}, 1);
    const auto connected = co_await look([](const AgentCore& core) { return core.connected(); });
    out.family("drover_agent_connected", "gauge", "1 while the hub is connected.")
        .sample({{"host", parts.node}}, connected ? 1 : 0);
    add_service_metrics(out, *usage);
    add_process_metrics(out);
    co_return net::text_response(200, out.text(), "text/plain; version=0.0.4; charset=utf-8");
  }

  void add_service_metrics(Exposition& out, const std::vector<Usage>& all) const {
    const auto each = [&](std::string_view name, std::string_view type, std::string_view help, auto value) {
      out.family(name, type, help);
      for (const auto& one : all)
        if (const std::optional<double> figure = value(one))
          out.sample({{"stack", one.view.stack},
                      {"service", one.view.service},
                      {"instance", one.view.name},
                      {"host", parts.node}},
                     *figure);
    };
    each("drover_service_up", "gauge", "1 while the instance's main process lives.",
         [](const Usage& u) { return std::optional(u.view.pid ? 1.0 : 0.0); });
    each("drover_service_health", "gauge", "1 while the instance is ready.",
         [](const Usage& u) { return std::optional(u.view.state == "ready" ? 1.0 : 0.0); });
    each("drover_service_restarts_total", "counter", "Automatic restarts of the instance.",
         [](const Usage& u) { return std::optional(double(u.view.restarts)); });
    each("drover_service_start_duration_seconds", "gauge", "From the last start to ready.",
         [](const Usage& u) -> std::optional<double> {
           if (!u.view.started_at || !u.view.ready_at) return std::nullopt;
           return drover::seconds(*u.view.ready_at - *u.view.started_at);
         });
    each("drover_service_cpu_seconds_total", "counter", "CPU time of this incarnation.",
         [](const Usage& u) { return u.stats.cpu_seconds; });
    each("drover_service_memory_working_set_bytes", "gauge",
         "Memory in use, without the page cache that may go.", [](const Usage& u) -> std::optional<double> {
           if (!u.stats.memory_bytes) return std::nullopt;
           return double(*u.stats.memory_bytes);
         });
  }
};

LocalApi::LocalApi(Parts parts, const AgentOptions& options)
    : impl_(std::make_shared<Impl>(std::move(parts), options)) {}
LocalApi::~LocalApi() = default;

Result<void> LocalApi::listen() {
  auto port = impl_->server.listen(net::ListenTcp{
      .address = impl_->options.listen, .port = impl_->options.port, .identify_callers = true});
  if (!port && port.error().code == Errc::conflict) {
    const auto wanted = impl_->options.port;
    return fail(Errc::conflict,
                fmt::format("the agent's local API cannot listen: {}",
                            runtime::describe_busy(wanted, runtime::holder_of(wanted, "tcp"))),
                {}, "stop that one, or choose another port");
  }
  if (!port) return fail(std::move(port).error());
  impl_->port = *port;
  const auto socket = impl_->parts.driver.paths().state + "/agent.sock";
  if (socket.size() > 107) {
    impl_->parts.log.warn("the state directory's path is too long for a socket in it", {{"path", socket}});
  } else {
    TRYV(impl_->server.listen(net::ListenUnix{.path = socket, .mode = 0600}));
  }
  impl_->server.start();
  return {};
}

std::uint16_t LocalApi::port() const { return impl_->port; }
net::Awaitable<void> LocalApi::close() { return impl_->server.stop(500ms); }

void LocalApi::answer(Answer answer) {
  const auto found = impl_->waiting.find(answer.id);
  if (found == impl_->waiting.end()) return;
  found->second->result = std::move(answer.result);
  found->second->done.set();
}

}  // namespace drover::agent
