// The command tree and the way through it: parse, run, print what went wrong.
#include <unistd.h>

#include <cstdio>

#include "cli/commands.hpp"
#include "cli/context.hpp"
#include "cli/version.hpp"

namespace drover::cli {

Command root_command(const Programs& programs, const GlobalFlags& flags) {
  Command root{"drover", "Drover runs and looks after services on every machine you own."};
  root.examples = {"drover up shop.yaml                # this machine: run it, watch it, Ctrl-C ends it",
                   "drover hub                         # several machines: the hub …",
                   "drover token create                # … a line for a host …",
                   "drover node join LINE && drover agent   # … which becomes a node",
                   "drover apply shop.yaml && drover ps"};
  auto add = [&](std::vector<Command> commands) {
    for (auto& command : commands) root.commands.push_back(std::move(command));
  };
  add(up_commands(programs));
  add(see_commands());
  add(log_commands());
  add(run_commands());
  add(stack_commands());
  add({import_command()});
  add({node_command(programs), task_command(), deployment_command(), port_command()});
  add(access_commands());
  add(daemon_commands(programs));
  add({service_command()});
  add(tool_commands(flags));
  return root;
}

namespace {
/// The two commands that need the tree itself.
void add_tree_commands(Command& root, const std::vector<Flag>& global) {
  auto shell = std::make_shared<std::string>();
  auto topic = std::make_shared<std::string>();
  Command completion{"completion", "Completion for a shell."};
  completion.examples = {"source <(drover completion bash)", "drover completion fish | source"};
  completion.arguments = {{"SHELL", "bash, zsh or fish.", shell.get()}};
  completion.run = [shell, &root, &global](Context& context) -> Result<int> {
    TRY(auto script, completion_script(root, global, *shell));
    context.out.write(script);
    return 0;
  };
  Command help{"help", "This help; `drover help reference` prints the page of all commands."};
  help.arguments = {{"TOPIC", "reference", topic.get(), false}};
  help.run = [topic, &root, &global](Context& context) -> Result<int> {
    for (const auto& command : root.commands)
      if (command.name == *topic) {
        context.out.write(help_text(command, "drover " + command.name, global, context.out.colour));
        return 0;
      }
    context.out.write(*topic == "reference" ? reference_page(root, global)
                                            : help_text(root, "drover", global, context.out.colour));
    return 0;
  };
  root.commands.push_back(std::move(completion));
  root.commands.push_back(std::move(help));
}

void settle(Context& context) {
  if (context.flags.no_color) context.flags.color = "never";
  if (context.flags.output.empty()) context.flags.output = context.variable("DROVER_OUTPUT");
  if (context.flags.output.empty()) context.flags.output = "table";
  context.out = open_terminal(STDOUT_FILENO, context.flags.color);
  context.err = open_terminal(STDERR_FILENO, context.flags.color);
  context.input_is_tty = ::isatty(STDIN_FILENO) == 1;
}

int fail_with(const Context& context, const Error& error) {
  print_error(context, error);
  return exit_status(error.code);
}
}  // namespace

int run(int argc, char** argv, const Programs& programs, const Clock& clock) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 1 && arguments[0] == "--version") {
    std::printf("drover %.*s\n", int(version().size()), version().data());
    return 0;
  }
  Context context;
  context.environment = real_environment();
  context.clock = &clock;
  auto global = global_flags(context.flags);
  auto root = root_command(programs, context.flags);
  add_tree_commands(root, global);
  auto parsed = parse_arguments(root, global, arguments);
  settle(context);
  if (!parsed) return fail_with(context, parsed.error());
  bool shows_help = parsed->help || !parsed->command->run;
  if (shows_help) {
    bool asked = parsed->help || parsed->command == &root;
    (asked ? context.out : context.err)
        .write(help_text(*parsed->command, parsed->path, global, (asked ? context.out : context.err).colour));
    return asked ? 0 : 2;
  }
  auto status = parsed->command->run(context);
  return status ? *status : fail_with(context, status.error());
}

}  // namespace drover::cli
