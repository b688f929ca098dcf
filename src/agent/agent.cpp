#include "agent/agent.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "agent/core_loop.hpp"
#include "agent/errands.hpp"
#include "agent/link_loop.hpp"
#include "agent/local_api.hpp"
#include "agent/log_care.hpp"
#include "agent/performer.hpp"
#include "agent/streams.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "net/ca.hpp"
#include "runtime/files.hpp"
#include "runtime/host_facts.hpp"
#include "runtime/own_log.hpp"
#include "store/lock_file.hpp"

namespace drover::agent {

namespace {

constexpr Duration goodbye_within = 1s;
constexpr Duration commits_within = 3s;

/// "conflict" of the lock, in this place's words.
Result<store::LockFile> lock_state(const std::string& state) {
  auto lock = store::LockFile::take(state + "/agent.lock");
  if (lock || lock.error().code != Errc::conflict) return lock;
  const std::string pid(trim(runtime::read_small_file(state + "/agent.lock", 32)));
  return fail(Errc::conflict, fmt::format("another agent, pid {}, has the state directory {}", pid, state),
              {}, "stop that one, or give this one another --state");
}

Level level_of(std::string_view word) {
  if (word == "debug") return Level::debug;
  if (word == "warn") return Level::warn;
  return word == "error" ? Level::error : Level::info;
}

template <class Id>
std::string word_of(const Id& id) {
  return id ? to_string(id) : std::string();
}
void write(Log& log, const Note& note) {
  log.write(level_of(note.level), note.message,
            {{"correlationId", note.correlation},
             {"task", word_of(note.task)},
             {"instance", word_of(note.instance)}});
}

}  // namespace

Result<NodeId> load_or_make_uid(const std::string& state, const Clock& clock, std::uint64_t seed) {
  std::error_code error;
  std::filesystem::create_directories(state, error);
  if (error) return fail(from_errno(error.value(), "making " + state));
  const auto path = state + "/uid";
  if (const auto known = parse_uuid(trim(runtime::read_small_file(path, 128)))) return NodeId{*known};
  Rng rng(seed ^ std::uint64_t(::getpid()));
  const NodeId uid{make_uuid(clock.now().wall, rng)};
  TRYV(net::write_file_atomically(path, to_string(uid) + "\n", 0644));
  return uid;
}

struct Agent::Impl {
  Impl(AgentOptions its_options, AgentParts its_parts, std::shared_ptr<Dialer> its_dialer)
      : options(std::move(its_options)),
        parts(its_parts),
        dialer(std::move(its_dialer)),
        executor(parts.pool.executor(0)),
        disk(1),
        hands(2),
        files(hands.executor(0)),
        logs(hands.executor(1)),
        streams(executor, [this](std::string_view, std::string_view what) {
          parts.log.error("a stream failed", {{"error", std::string(what)}});
        }) {}

  AgentOptions options;
  AgentParts parts;
  std::shared_ptr<Dialer> dialer;
  net::Executor executor;
  net::IoPool disk;   // a thread of its own for the journal: a slow disk holds up nothing else
  net::IoPool hands;  // one for user names, files, ports; one for whoever searches logs
  net::Executor files, logs;
  net::TaskGroup streams;
  std::optional<store::LockFile> lock;
  runtime::Paths paths;
  NodeId node;
  HostFacts facts;
  std::unique_ptr<runtime::ProcessDriver> driver;
  std::unique_ptr<CoreLoop> core;
  std::unique_ptr<Performer> performer;
  std::unique_ptr<Errands> errands;
  std::unique_ptr<LinkLoop> link;
  std::unique_ptr<LocalApi> api;
  std::unique_ptr<LogCareLoop> log_care;
  std::vector<Event> early;  // what the driver told before there was a core
  bool stopped = false;

  void feed(Event event) {
    if (core) core->feed(std::move(event));
    else early.push_back(std::move(event));
  }

  /// What blocks: directories, lock, journal, the host.
  Result<std::pair<std::unique_ptr<store::AgentJournal>, Journal>> open_state() {
    if (options.run.empty()) {
      const char* xdg = std::getenv("XDG_RUNTIME_DIR");
      options.run = runtime::default_run_directory(options.state, xdg != nullptr ? xdg : "");
    }
    TRY(paths, runtime::prepare_directories({options.state, options.run}));
    TRY(auto taken, lock_state(paths.state));
    lock.emplace(std::move(taken));
    TRY(node, load_or_make_uid(paths.state, parts.clock, parts.seed));
    TRY(auto journal, store::AgentJournal::open(paths.state + "/agent.db"));
    TRY(auto loaded, journal->load());
    facts = runtime::host_facts(paths.state);
    declare(options.resources, facts.resources);
    facts.version = options.version;
    if (options.name.empty()) options.name = trim(runtime::read_small_file(paths.state + "/name", 256));
    if (options.name.empty()) options.name = facts.hostname;
    return std::pair(std::move(journal), std::move(loaded));
  }

  static void declare(const Resources& declared, Resources& found) {
    for (const auto& [name, amount] : declared.quantities) found.quantities[name] = amount;
    for (const auto& [name, members] : declared.sets) {
      found.quantities.erase(name);
      found.sets[name] = members;
    }
  }

  AgentSettings settings() const {
    Rng rng(parts.seed);
    AgentSettings settings;
    settings.uid = node;
    settings.name = options.name;
    settings.boot = to_string(make_uuid(parts.clock.now().wall, rng));
    settings.host = facts;
    settings.port_low = options.port_low;
    settings.port_high = options.port_high;
    settings.max_parallel = options.max_parallel;
    settings.inventory_every = options.inventory_every;
    settings.report_delay = options.report_delay;
    settings.restarts_per_second = options.restarts_per_second;
    settings.measure_every = options.measure_every;
    settings.exec = options.exec;
    return settings;
  }

  net::Awaitable<Result<std::vector<Found>>> open_driver(std::set<std::string> commands) {
    runtime::KeeperOptions keeper;
    keeper.paths = paths;
    keeper.binary = options.keeper;
    driver = std::make_unique<runtime::ProcessDriver>(
        runtime::ProcessDriver::Parts{executor, files, keeper,
                                      [this](Event event) { feed(std::move(event)); }},
        parts.log);
    driver->set_node({options.name, facts.address, {}});
    driver->keep_commands(std::move(commands));
    CO_TRYV(co_await driver->open());
    if (const auto status = co_await driver->keeper().status()) facts.level = status->level;
    co_return co_await driver->recover();
  }

  net::Awaitable<Result<void>> start() {
    std::optional<Result<std::pair<std::unique_ptr<store::AgentJournal>, Journal>>> state;
    co_await net::run_on(disk.executor(0), [&] { state.emplace(open_state()); });
    if (!*state) co_return fail(std::move(*state).error());
    CO_TRY(auto found, co_await open_driver(Errands::keys_of((*state)->second.attempts)));
    const auto ran = found.size();
    core = std::make_unique<CoreLoop>(
        CoreLoopParts{executor, disk.executor(0), parts.clock, parts.log, parts.seed ^ 0xc04e,
                      [this](Released effect) { perform(std::move(effect)); }},
        settings(), std::move((*state)->first), std::move((*state)->second));
    performer = std::make_unique<Performer>(executor, *driver, parts.log,
                                            [this](Event event) { feed(std::move(event)); });
    errands = std::make_unique<Errands>(Errands::Parts{
        executor, *driver, parts.log, parts.clock, [this](Event event) { feed(std::move(event)); },
        [this]() -> const AgentCore& { return core->core(); }, [this] { return about(); }});
    link = std::make_unique<LinkLoop>(
        LinkLoop::Parts{executor, *core, *dialer, parts.clock, parts.log, parts.seed ^ 0x117b,
                        [this](const Welcome& welcome) { welcomed(welcome); }},
        options);
    api = std::make_unique<LocalApi>(LocalApi::Parts{parts.pool, executor, logs, *core, *driver, parts.clock,
                                                     parts.log, options.name, dialer->hub()},
                                     options);
    // Before anything is touched: an agent that cannot serve does not start.
    if (auto listening = api->listen(); !listening) co_return listening;
    core->start();
    core->feed(Recovered{std::move(found)});
    for (auto& event : std::exchange(early, {})) core->feed(std::move(event));
    link->start();
    log_care = std::make_unique<LogCareLoop>(
        LogCareLoop::Parts{executor, *core, parts.clock, parts.log, paths}, options);
    log_care->start();
    parts.log.info("agent started", {{"node", options.name},
                                     {"uid", to_string(node)},
                                     {"hub", dialer->hub()},
                                     {"state", paths.state},
                                     {"api", fmt::format("{}:{}", options.listen, api->port())},
                                     {"level", facts.level},
                                     {"adopted", std::to_string(ran)}});
    co_return Result<void>();
  }

  /// What a person wants to know of this agent and its host.
  json::object about() const {
    std::error_code error;
    const auto space = std::filesystem::space(paths.state, error);
    json::object room{{"path", paths.state}};
    if (!error) room["free_bytes"] = space.available, room["size_bytes"] = space.capacity;
    return {{"node", options.name},
            {"uid", to_string(node)},
            {"host", to_json(facts)},
            {"state", std::move(room)},
            {"journal_error", core->journal_error()}};
  }

  void welcomed(const Welcome& welcome) {
    driver->set_node({welcome.name.empty() ? options.name : welcome.name, facts.address, welcome.labels});
    if (welcome.name.empty() || welcome.name == options.name) return;
    options.name = welcome.name;
    // Only for people, and read again at the next welcome.
    if (const auto saved = net::write_file_atomically(paths.state + "/name", welcome.name + "\n", 0644);
        !saved)
      parts.log.warn("the node's new name could not be saved", {{"error", saved.error().message}});
  }

  void perform(Released released) {
    struct Doer {
      Impl& impl;
      std::uint64_t session;
      void operator()(Spawn& e) const { impl.performer->perform(std::move(e)); }
      void operator()(LookAtPorts& e) const { impl.performer->perform(std::move(e)); }
      void operator()(StopRun& e) const { impl.performer->perform(std::move(e)); }
      void operator()(AdjustRun& e) const { impl.performer->perform(std::move(e)); }
      void operator()(ReloadRun& e) const { impl.performer->perform(std::move(e)); }
      void operator()(ForgetRun& e) const { impl.performer->perform(std::move(e)); }
      void operator()(RemoveFiles& e) const { impl.performer->perform(std::move(e)); }
      void operator()(AskProbe& e) const { impl.performer->perform(std::move(e)); }
      void operator()(Measure& e) const { impl.performer->perform(e); }
      void operator()(WatchFiles& e) const { impl.performer->perform(std::move(e)); }
      void operator()(RunErrand& e) const { impl.errands->perform(std::move(e)); }
      void operator()(EndErrand& e) const { impl.errands->perform(e); }
      void operator()(Confirm&) const {}  // answered by the loop itself
      void operator()(Send& e) const { impl.link->send(std::move(e.envelope), session); }
      void operator()(CloseLink& e) const { impl.link->close_link(e.reason); }
      void operator()(Answer& e) const { impl.api->answer(std::move(e)); }
      void operator()(ServeStream& e) const { impl.serve(std::move(e.open)); }
      void operator()(Note& e) const { write(impl.parts.log, e); }
    };
    std::visit(Doer{*this, released.session}, released.effect);
  }

  void serve(OpenStream open) {
    StreamParts stream{logs,
                       *dialer,
                       parts.clock,
                       parts.log,
                       {},
                       {},
                       to_json_text(ProbesView{core->core().probes(open.instance)})};
    if (open.what == "ports") stream.ports = port_views(core->core());
    stream.driver = driver.get();
    if (open.what == "usage") stream.instances = instance_views(core->core());
    const auto program = open.what == "own" ? open.options["program"] : "";
    if (std::ranges::count(runtime::node_programs, program) > 0) {
      stream.directory = runtime::own_log_directory(paths.state, program);
      stream.service = program;
    }
    for (const auto& seen : core->core().instances())
      if (seen.placement->placement.instance == open.instance) {
        stream.directory = runtime::log_directory(paths, seen.placement->stack, seen.placement->instance_name,
                                                  open.instance);
        stream.service = seen.placement->stack + "/" + seen.placement->service.name;
      }
    streams.spawn(serve_stream(std::move(stream), std::move(open)), "log stream");
  }

  net::Awaitable<void> stop(std::string reason, Workloads workloads, Duration grace) {
    if (std::exchange(stopped, true)) co_return;
    if (api) co_await api->close();
    if (core && link) {
      core->feed(Stopping{reason});
      co_await core->close(commits_within);  // goodbye leaves after what it stands on is durable
      co_await link->close(goodbye_within);
    }
    streams.cancel();
    co_await streams.join();
    if (log_care) co_await log_care->stop();
    if (performer) co_await performer->close();
    if (errands) co_await errands->close();
    if (driver && workloads == Workloads::end) co_await end_keeper(grace);
    if (driver) co_await driver->close();
    core.reset();  // closes the journal
    lock.reset();
    parts.log.info("agent stopped", {{"reason", reason}});
  }

  /// All workloads and the keeper.
  net::Awaitable<void> end_keeper(Duration grace) {
    const auto asked = co_await driver->keeper().shutdown({}, grace);
    if (!asked) {
      parts.log.warn("the keeper did not take the order to end", {{"error", asked.error().message}});
      co_return;
    }
    const auto until = std::chrono::steady_clock::now() + grace + 5s;
    while (driver->keeper().connected() && std::chrono::steady_clock::now() < until)
      co_await net::sleep_for(2ms);
  }
};

Agent::Agent(AgentOptions options, AgentParts parts, std::shared_ptr<Dialer> dialer)
    : impl_(std::make_shared<Impl>(std::move(options), parts, std::move(dialer))) {}
Agent::~Agent() = default;

net::Awaitable<Result<void>> Agent::start() { return impl_->start(); }
net::Awaitable<void> Agent::stop(std::string reason, Workloads workloads, Duration grace) {
  return impl_->stop(std::move(reason), workloads, grace);
}
net::Executor Agent::executor() const { return impl_->executor; }
std::uint16_t Agent::port() const { return impl_->api ? impl_->api->port() : 0; }
NodeId Agent::uid() const { return impl_->node; }
std::string Agent::name() const { return impl_->options.name; }
bool Agent::connected() const { return impl_->core && impl_->core->core().connected(); }

}  // namespace drover::agent
