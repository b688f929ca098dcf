#pragma once
// From a service's words to the parameters of a spawn: placeholders, user, environment, directory, program.
// May block (user database, network file systems): call it on the files' thread.

#include <expected>
#include <map>
#include <optional>

#include "core/agent/io.hpp"
#include "keeper/spawn_spec.hpp"
#include "model/placeholder.hpp"
#include "runtime/paths.hpp"

namespace drover::runtime {

/// What {{node.*}} stands for.
struct NodeWords {
  std::string name, address;
  std::map<std::string, std::string> labels;
  bool operator==(const NodeWords&) const = default;
};

/// Of which instance: the part of agent::Spawn and agent::AskProbe that placeholders need.
struct InstanceWords {
  InstanceId id;
  std::string stack, name;  // "shop", "web-1"
  std::uint32_t index = 0;
  std::map<std::string, std::uint16_t> ports;
};
Lookup words_of(const InstanceWords& instance, const NodeWords& node);

struct Account {
  std::uint32_t uid = 0, gid = 0;
  std::vector<std::uint32_t> groups;
  std::string name, home;
  bool change = false;  // it is not what we run as, or has more groups; root only
};
/// Empty names: who we are. `groups`: beside those that the user is in. not_found, denied with the reason for
/// people.
Result<Account> find_account(const std::string& user, const std::string& group,
                             const std::vector<std::string>& groups);

keeper::OnFull on_full_of(const LogSpec& logs);

/// nullopt on success, otherwise why and whether it makes sense to try again.
using Refusal = agent::SpawnFailed;
std::expected<keeper::SpawnSpec, Refusal> spawn_spec(const agent::Spawn& spawn, const NodeWords& node,
                                                     const Paths& paths);
/// The same for a command that runs beside it (a probe): no log of its own but `output`, no port check.
std::expected<keeper::SpawnSpec, Refusal> companion_spec(const agent::Spawn& of, const NodeWords& node,
                                                         const Paths& paths, std::vector<std::string> command,
                                                         std::string output);

/// What the keeper says about a spawn that failed, for people, and whether it makes sense to try again.
Refusal explain(const agent::Spawn& spawn, keeper::Stage stage, int error);

}  // namespace drover::runtime
