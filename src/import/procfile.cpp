// Procfile (foreman, overmind, Heroku): NAME: COMMAND lines, and .env beside it.
#include <fmt/format.h>

#include "base/text.hpp"
#include "import/text.hpp"
#include "import/work.hpp"

namespace drover::importer {

namespace {
constexpr std::uint16_t first_port = 5000;  // foreman's and overmind's; the next process gets 100 more
constexpr std::uint16_t port_step = 100;

/// web: by convention it listens on PORT, whether the line says so or not.
void give_port(Subject& to, std::string_view command, std::size_t index, std::uint32_t line) {
  if (command.find("PORT") == std::string_view::npos && to.draft.service.name != "web") return;
  Port port;
  port.name = "http";
  port.published = std::uint16_t(first_port + port_step * index);
  port.plus = "instance.index";
  to.draft.service.ports = {port};
  to.draft.process().environment["PORT"] = "{{port.http}}";
  to.changed(line, "PORT", fmt::format("it is {}, as foreman counts", port.published),
             "write another number, or published: auto, in its ports");
}

void give_env_files(Subject& to, const std::string& directory) {
  for (const char* name : {".env", ".overmind.env"}) {
    EnvFile file{directory + "/" + name, true};
    auto text = to.work.file(file.path);
    if (!text) continue;
    to.draft.env_files.push_back(file);
    if (text->find('$') != std::string::npos)
      to.work.changed({file.path, 0}, "", "$",
                      "foreman takes a $ as it is, a stack file's env_file fills it in",
                      "put values with a $ in single quotes");
  }
}

void read_line(Work& work, const Input& input, std::string_view line, std::uint32_t number) {
  std::size_t colon = line.find(':');
  std::string name(trim(line.substr(0, colon)));
  std::string_view text = colon == std::string_view::npos ? "" : trim(line.substr(colon + 1));
  if (name.empty() || text.empty() || name.find_first_of(" \t\"'") != std::string::npos)
    return work.problem({input.file, number}, fmt::format("\"{}\" is not NAME: COMMAND", line.substr(0, 60)),
                        "write it as web: ./server --port $PORT");
  if (work.names.contains(name))
    return work.problem({input.file, number}, fmt::format("the process \"{}\" is there twice", name));
  auto command = shell_command(literal(text), {"/bin/sh", "-c"});
  if (!command) return work.problem({input.file, number}, command.error().message);
  Draft draft = work.begin(name, {input.file, number});
  Subject to{work, draft, input.file};
  std::string directory = directory_of(input.path);
  draft.process().command = std::move(command->command);
  draft.process().environment = std::move(command->environment);
  draft.process().working_dir = directory;
  draft.service.stop.grace = 5s;  // foreman's --timeout
  give_env_files(to, directory);
  if (name == "release") {
    draft.service.kind = ServiceKind::job;
    draft.service.restart.policy = RestartPolicy::no;
    to.changed(number, name, "it is a job, and the others start when it is completed, as on Heroku",
               "take away kind: job where it is a service");
  } else {
    give_port(to, text, work.drafts.size(), number);
  }
  work.add(std::move(draft));
}
}  // namespace

void read_procfile(Work& work, const Input& input) {
  std::uint32_t number = 0;
  for (const std::string& line : split(input.text, '\n')) {
    ++number;
    std::string_view content = trim(line);
    if (!content.empty() && content[0] != '#') read_line(work, input, content, number);
  }
  if (work.names.contains("release"))
    for (Draft& draft : work.drafts)
      if (draft.service.kind != ServiceKind::job)
        draft.service.depends_on.push_back({work.names["release"], Condition::completed});
  work.changed(
      {input.file, 0}, "", "restart",
      "foreman and overmind end all when one ends; here what failed is restarted, and the others go on");
}

}  // namespace drover::importer
