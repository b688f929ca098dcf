// token create|ls|rm, user create|ls|rm|passwd
#include <termios.h>
#include <unistd.h>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/follow.hpp"
#include "cli/output.hpp"

namespace drover::cli {

namespace {
struct TokenFlags {
  std::string api_name, ttl, replace;
  std::uint32_t uses = 1;
  std::vector<std::string> labels;
};

Result<int> create_join_line(Context& context, const Api& api, const TokenFlags& flags) {
  json::object labels;
  for (const auto& label : flags.labels) {
    auto equals = label.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(Errc::invalid, "--label " + label + " is not key=value", {}, "--label site=home");
    labels[label.substr(0, equals)] = label.substr(equals + 1);
  }
  json::object body{{"uses", flags.uses},
                    {"ttl", flags.ttl.empty() ? "15m" : flags.ttl},
                    {"labels", labels},
                    {"replace", flags.replace}};
  Call call{"POST", "/join-tokens"};
  call.body = print_json(body);
  TRY(auto answer, api.send(call));
  return print_object(context, answer.body, [&] {
    if (!context.flags.quiet && context.err.tty)
      context.err.write("on the new host, until " + show_time(context, text(answer.body, "expires_at")) +
                        ":   drover node join LINE && drover agent\n");
    return text(answer.body, "line") + "\n";
  });
}

Result<int> create_api_token(Context& context, const Api& api, const TokenFlags& flags) {
  json::object body{{"name", flags.api_name}};
  if (!flags.ttl.empty()) body["ttl"] = flags.ttl;
  Call call{"POST", "/tokens"};
  call.body = print_json(body);
  TRY(auto answer, api.send(call));
  return print_object(context, answer.body, [&] { return text(answer.body, "token") + "\n"; });
}

Result<int> list_tokens(Context& context) {
  TRY(auto api, Api::open(context));
  TRY(auto join_tokens, api.items("/join-tokens"));
  TRY(auto api_tokens, api.items("/tokens"));
  json::array all;
  for (auto& token : join_tokens) {
    if (token.is_object()) token.get_object()["kind"] = "join";
    all.push_back(token);
  }
  for (auto& token : api_tokens) {
    if (token.is_object()) token.get_object()["kind"] = "api";
    all.push_back(token);
  }
  ListView view{
      "tokens",
      {plain("ID", "id"),
       plain("KIND", "kind"),
       plain("NAME", "name"),
       number_field("USES LEFT", "uses_left"),
       plain("REPLACES", "replace"),
       time_field(context, "AGE", "created_at"),
       {"EXPIRES",
        [&context](const json::value& t) { return Cell{show_time(context, text(t, "expires_at"))}; }}},
      [](const json::value& t) { return text(t, "id"); }};
  return print_list(context, all, view);
}

Result<int> remove_token(Context& context, const std::string& id) {
  TRY(auto api, Api::open(context));
  auto first = api.send({"DELETE", path_of({"join-tokens", id})});
  if (!first && first.error().code != Errc::not_found) return fail(std::move(first.error()));
  if (!first) TRYV(api.send({"DELETE", path_of({"tokens", id})}));
  context.out.write(id + " is no longer valid\n");
  return 0;
}

/// From the terminal without showing it, else a line of stdin.
Result<std::string> ask_password(const Context& context, const std::string& question) {
  termios former{};
  bool hidden = context.input_is_tty && ::tcgetattr(STDIN_FILENO, &former) == 0;
  if (hidden) {
    auto quiet = former;
    quiet.c_lflag &= ~tcflag_t(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
    context.err.write(question + ": ");
  }
  char line[1024];
  bool read = std::fgets(line, sizeof line, stdin) != nullptr;
  if (hidden) {
    ::tcsetattr(STDIN_FILENO, TCSANOW, &former);
    context.err.write("\n");
  }
  std::string password(read ? line : "");
  while (password.ends_with('\n') || password.ends_with('\r')) password.pop_back();
  if (password.empty())
    return fail(Errc::invalid, "no password was given", {}, "type it, or give it on stdin");
  return password;
}

Result<int> set_password(Context& context, const std::string& name, bool create) {
  TRY(auto api, Api::open(context));
  TRY(auto password, ask_password(context, "password of " + name));
  Call call{"POST", create ? "/users" : path_of({"users", name})};
  json::object body{{"name", name}, {"password", password}};
  call.body = print_json(body);
  TRY(auto answer, api.send(call));
  return print_object(context, answer.body,
                      [&] { return name + (create ? " may log in\n" : " has a new password\n"); });
}

Result<int> list_users(Context& context) {
  TRY(auto api, Api::open(context));
  TRY(auto users, api.items("/users"));
  ListView view{"users",
                {plain("NAME", "name"), plain("ROLE", "role"), time_field(context, "AGE", "created_at")},
                [](const json::value& u) { return text(u, "name"); }};
  return print_list(context, users, view);
}

Command token_command() {
  auto flags = std::make_shared<TokenFlags>();
  auto id = std::make_shared<std::string>();
  Command create{"create",
                 "One line that lets a host join (or, with --api, a token for programs). It is shown once."};
  create.examples = {"drover token create", "drover token create --uses 10 --ttl 1h --label site=home",
                     "drover token create --replace pve1", "drover token create --api ci --ttl 30d"};
  create.flags = {
      {"--uses", "How many hosts may use it (default 1).", &flags->uses, "N", {}},
      {"--ttl", "How long it is valid (default 15m; --api: for ever).", &flags->ttl, "TIME", {}},
      {"--label", "Label for nodes that join with it; may be repeated.", &flags->labels, "KEY=VALUE", {}},
      {"--replace", "It takes the place of this node, which was reinstalled.", &flags->replace, "NODE", {}},
      {"--api", "A token for the API instead, with this name.", &flags->api_name, "NAME", {}}};
  create.run = [flags](Context& context) -> Result<int> {
    TRY(auto api, Api::open(context));
    return flags->api_name.empty() ? create_join_line(context, api, *flags)
                                   : create_api_token(context, api, *flags);
  };
  Command ls{"ls", "Tokens that are valid; never the secrets."}, rm{"rm", "Make a token worthless."};
  ls.run = [](Context& context) { return list_tokens(context); };
  rm.arguments = {{"ID", "Id of the token.", id.get()}};
  rm.run = [id](Context& context) { return remove_token(context, *id); };
  Command out{"token", "Tokens: for hosts that join, and for programs."};
  out.commands = {create, ls, rm};
  return out;
}

Command user_command() {
  auto name = std::make_shared<std::string>();
  Command create{"create", "A person who may log in; the password is asked for, or read from stdin."};
  Command ls{"ls", "All users."}, rm{"rm", "Remove a user."}, passwd{"passwd", "A new password."};
  create.arguments = rm.arguments = passwd.arguments = {{"NAME", "Name of the user.", name.get()}};
  create.run = [name](Context& context) { return set_password(context, *name, true); };
  passwd.run = [name](Context& context) { return set_password(context, *name, false); };
  ls.run = [](Context& context) { return list_users(context); };
  rm.run = [name](Context& context) -> Result<int> {
    TRY(auto api, Api::open(context));
    TRY(bool sure, confirm(context, "Remove the user " + *name + "?"));
    if (!sure) return 11;
    TRYV(api.send({"DELETE", path_of({"users", *name})}));
    context.out.write(*name + " is gone\n");
    return 0;
  };
  Command out{"user", "People who may log in."};
  out.commands = {create, ls, rm, passwd};
  return out;
}
}  // namespace

std::vector<Command> access_commands() { return {token_command(), user_command()}; }

}  // namespace drover::cli
