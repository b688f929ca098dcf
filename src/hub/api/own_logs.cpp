// What our own programs say: this hub, and agent and keeper of each node.
#include <algorithm>

#include "base/text.hpp"
#include "hub/api/log_merge.hpp"
#include "runtime/own_log.hpp"

namespace drover::hub {
namespace {

constexpr std::size_t most_nodes = 100;

bool is_program(std::string_view word) {
  return word == "hub" || std::ranges::count(runtime::node_programs, word) > 0;
}

struct Wanted {
  std::vector<std::string> programs;  // none: all
  std::string node;
  bool wants(std::string_view program) const {
    return programs.empty() || std::ranges::count(programs, program) > 0;
  }
};

Result<Wanted> wanted_by(const ApiCall& call) {
  Wanted wanted{.programs = {}, .node = call.query("node")};
  for (const auto& word : split(call.query("program"), ',')) {
    if (word.empty()) continue;
    if (!is_program(word))
      return fail(Errc::invalid, "program: \"" + std::string(word) + "\" is not one of: hub, agent, keeper");
    wanted.programs.emplace_back(word);
  }
  return wanted;
}

Result<std::vector<LogSource>> sources_of(const HubState& state, const Wanted& wanted) {
  std::vector<LogSource> out;
  if (wanted.node.empty() && wanted.wants("hub"))
    out.push_back({.instance = {}, .program = "hub", .node = {}, .name = "hub"});
  bool known = wanted.node.empty();
  std::size_t nodes = 0;
  for (const auto& [id, node] : state.nodes) {
    const auto& name = node.row.node.name;
    if (!wanted.node.empty() && wanted.node != name && wanted.node != to_string(id)) continue;
    known = true;
    ++nodes;
    for (const auto program : runtime::node_programs)
      if (wanted.wants(program))
        out.push_back({.instance = {},
                       .program = std::string(program),
                       .node = id,
                       .name = std::string(program) + "@" + name});
  }
  if (!known) return fail(Errc::not_found, "there is no node \"" + wanted.node + "\"");
  if (nodes > most_nodes && out.size() > most_nodes)
    return fail(Errc::exhausted, "these are more than 100 nodes", {}, "name one: ?node=NAME");
  return out;
}

net::Awaitable<Result<net::Response>> own_logs(Api& api, ApiCall call, NoBody) {
  CO_TRY(auto wanted, wanted_by(call));
  CO_TRY(auto sources, co_await api.engine.read(
                           [wanted](const HubCore& core) { return sources_of(core.state(), wanted); }));
  co_return co_await stream_logs(
      api, {.who = call.caller.who, .sources = std::move(sources), .options = log_options(call)});
}

}  // namespace

std::vector<ApiRoute> own_log_routes() {
  return {route("GET", "/own-logs", "What hub, agents and keepers have logged themselves, in one stream.",
                &own_logs)};
}

}  // namespace drover::hub
