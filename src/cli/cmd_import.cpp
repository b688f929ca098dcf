// import: stack files from what other supervisors' users have
#include <fcntl.h>
#include <glob.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <thread>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/context.hpp"
#include "cli/node_config.hpp"
#include "cli/stack_file.hpp"
#include "import/import.hpp"
#include "runtime/files.hpp"

namespace drover::cli {

namespace {
namespace fs = std::filesystem;
constexpr Duration node_limit = 10s;
constexpr int some_missing = 8;  // exit status: a whole service could not be carried over

struct ImportFlags {
  std::vector<std::string> files;
  std::string from, out, name, environment;
  bool force = false;
};

std::vector<std::string> paths_of(const std::string& pattern) {
  std::vector<std::string> out;
  glob_t found{};
  if (::glob(pattern.c_str(), GLOB_BRACE, nullptr, &found) == 0)
    for (std::size_t i = 0; i < found.gl_pathc; ++i) out.emplace_back(found.gl_pathv[i]);
  ::globfree(&found);
  return out;
}

bool is_script(const std::string& path) {
  auto ending = fs::path(path).extension();
  return ending == ".js" || ending == ".cjs" || ending == ".mjs";
}

Result<importer::Input> read_input(Context& context, const std::string& file) {
  importer::Input out;
  out.file = file == "-" ? "stdin" : file;
  out.path = fs::absolute(out.file).lexically_normal().string();
  TRY(out.text, read_text(file));
  context.sources[out.file] = out.text;
  if (!is_script(file)) return out;
  out.script = out.text;
  auto json = run_node_config(out.path, node_limit);
  if (!json) {
    for (Problem& problem : json.error().problems) problem.file = out.file;
    return fail(std::move(json.error()));
  }
  out.text = std::move(*json);
  return out;
}

importer::Options options_of(const Context& context, const ImportFlags& flags) {
  importer::Options out;
  out.from = importer::source_of(flags.from);
  out.name = flags.name;
  out.environment = flags.environment;
  out.cpus = std::max(1u, std::thread::hardware_concurrency());
  out.variables = context.environment;
  out.read_file = read_text;
  out.glob = paths_of;
  return out;
}

Result<void> check_flags(const ImportFlags& flags) {
  if (!flags.name.empty() && !is_name(flags.name))
    return fail(Errc::invalid, "--name " + flags.name + ": a name has a-z, 0-9, \"-\" and \"_\", at most 63");
  std::error_code ignored;
  if (!flags.out.empty() && !flags.force && fs::exists(flags.out, ignored))
    return fail(Errc::conflict, flags.out + " is there already", {}, "--force writes it anew");
  return {};
}

/// It may hold passwords from environments: for its owner only.
Result<void> write_new(const std::string& path, const std::string& text, bool force) {
  if (force) return runtime::replace_file(path, text, 0600);
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return fail(from_errno(errno, "cannot write " + path));
  std::string_view rest = text;
  while (!rest.empty()) {
    auto count = ::write(fd, rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      auto error = from_errno(errno, "cannot write " + path);
      ::close(fd);
      ::unlink(path.c_str());
      return fail(std::move(error));
    }
    rest.remove_prefix(std::size_t(count));
  }
  if (::close(fd) != 0) return fail(from_errno(errno, "cannot write " + path));
  return {};
}

Result<int> import_stack(Context& context, const ImportFlags& flags) {
  TRYV(check_flags(flags));
  std::vector<importer::Input> inputs;
  for (const auto& file : flags.files) {
    TRY(auto input, read_input(context, file));
    inputs.push_back(std::move(input));
  }
  TRY(auto imported, importer::import_files(inputs, options_of(context, flags)));
  if (flags.out.empty()) context.out.write(imported.text);
  else TRYV(write_new(flags.out, imported.text, flags.force));
  context.err.write(importer::show_notes(imported.notes));
  if (!flags.out.empty())
    context.err.write(flags.out + ": " + std::to_string(imported.stack.services.size()) +
                      " services. Look at it, then: drover up " + flags.out + "\n");
  return imported.partial ? some_missing : 0;
}
}  // namespace

Command import_command() {
  auto flags = std::make_shared<ImportFlags>();
  Command out{"import",
              "Make a stack file from what PM2, supervisord, process-compose, foreman or systemd read. What "
              "cannot be carried over is listed. A .js, .cjs or .mjs file is executed, by node."};
  out.examples = {"drover import ecosystem.config.js --env production -o drover.yaml",
                  "drover import /etc/supervisor/supervisord.conf", "drover import process-compose.yaml",
                  "drover import Procfile                   # and the .env beside it",
                  "drover import /etc/systemd/system/web.service worker.service --name shop"};
  out.arguments = {{"FILE", "What to read, all of one kind; -: stdin.", &flags->files, true, "file"}};
  out.flags = {{"--from",
                "What it is. Without: told by name and content.",
                &flags->from,
                "",
                {"pm2", "supervisord", "process-compose", "procfile", "systemd"}},
               {"-o,--output", "Write to this file; without: to stdout.", &flags->out, "FILE", {}},
               {"--force", "Overwrite it.", &flags->force, "", {}},
               {"--name", "Of the stack. Without: the directory's.", &flags->name, "NAME", {}},
               {"--env", "PM2: put env_NAME over env.", &flags->environment, "NAME", {}}};
  out.run = [flags](Context& context) { return import_stack(context, *flags); };
  return out;
}

}  // namespace drover::cli
