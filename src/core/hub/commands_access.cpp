// People, tokens, join lines: kept and committed here; hashed and checked by the shell.

#include <fmt/format.h>

#include "core/hub/commands.hpp"

namespace drover::hub {

namespace {
std::string credential_target(const Credential& credential) {
  return fmt::format("{} {}", credential.kind,
                     credential.name.empty() ? to_string(credential.id) : credential.name);
}
}  // namespace

void put_credential(Step& step, const Credential& credential) {
  step.state.credentials[credential.id] = credential;
  step.state.credential_hashes[credential.hash] = credential.id;
  step.write(credential);
}
void drop_credential(Step& step, TokenId id) {
  auto found = step.state.credentials.find(id);
  if (found == step.state.credentials.end()) return;
  step.state.credential_hashes.erase(found->second.hash);
  step.state.credentials.erase(found);
  step.erase(EraseCredential{id});
}

Result<Answer> CommandRunner::operator()(const PutJoinToken& command) const {
  const JoinToken& token = command.token;
  if (!token.replace.empty() && !step.state.node_names.contains(token.replace))
    return fail(Errc::not_found, fmt::format("there is no node \"{}\" to replace", token.replace));
  step.state.join_tokens[token.id] = token;
  step.write(token);
  step.audit(who, "join_token.create", "join token " + to_string(token.id));
  return Answer{201, "/api/v1/join-tokens/" + to_string(token.id), {{"id", to_string(token.id)}}};
}

Result<Answer> CommandRunner::operator()(const DropJoinToken& command) const {
  if (step.state.join_tokens.erase(command.id) == 0)
    return fail(Errc::not_found, "there is no such join token");
  step.erase(EraseJoinToken{command.id});
  step.audit(who, "join_token.delete", "join token " + to_string(command.id));
  return Answer{};
}

Result<Answer> CommandRunner::operator()(const PutUser& command) const {
  if (!is_name(command.user.name))
    return fail(Errc::invalid, fmt::format("\"{}\" is not a user's name", command.user.name), {},
                "use a-z 0-9 - _, at most 63");
  bool fresh = !step.state.users.contains(command.user.name);
  step.state.users[command.user.name] = command.user;
  step.write(command.user);
  step.audit(who, fresh ? "user.create" : "user.update", "user " + command.user.name);
  return Answer{fresh ? 201 : 200, "/api/v1/users/" + command.user.name, {{"name", command.user.name}}};
}

Result<Answer> CommandRunner::operator()(const DropUser& command) const {
  auto found = step.state.users.find(command.name);
  if (found == step.state.users.end())
    return fail(Errc::not_found, fmt::format("there is no user \"{}\"", command.name));
  step.erase(EraseUser{found->second.id});
  step.state.users.erase(found);
  std::vector<TokenId> theirs;
  for (const auto& [id, credential] : step.state.credentials)
    if (credential.user == command.name) theirs.push_back(id);
  for (TokenId id : theirs) drop_credential(step, id);
  step.audit(who, "user.delete", "user " + command.name);
  return Answer{};
}

Result<Answer> CommandRunner::operator()(const PutCredential& command) const {
  put_credential(step, command.credential);
  step.audit(who, command.credential.kind + ".create", credential_target(command.credential));
  return Answer{201, "", {{"id", to_string(command.credential.id)}}};
}

Result<Answer> CommandRunner::operator()(const DropCredential& command) const {
  auto found = step.state.credentials.find(command.id);
  if (found == step.state.credentials.end()) return fail(Errc::not_found, "there is no such token");
  step.audit(who, found->second.kind + ".delete", credential_target(found->second));
  drop_credential(step, command.id);
  return Answer{};
}

Result<Answer> CommandRunner::operator()(const UseLink& command) const {
  auto found = step.state.credential_hashes.find(command.hash);
  if (found == step.state.credential_hashes.end())
    return fail(Errc::unauthenticated, "the login link is not valid (any more)");
  const Credential& link = step.state.credentials.at(found->second);
  if (link.kind != "link" || (link.expires_at && *link.expires_at <= step.now.wall))
    return fail(Errc::unauthenticated, "the login link is not valid (any more)", {},
                "make a new one: drover hub login-link");
  drop_credential(step, TokenId(found->second));
  put_credential(step, command.session);
  step.audit(who, "login", "link");
  return Answer{201, "", {{"id", to_string(command.session.id)}}};
}

Result<Answer> CommandRunner::operator()(const AuditNote& command) const {
  step.audit(who, command.action, command.target, command.outcome, command.detail);
  return Answer{};
}

}  // namespace drover::hub
