#include "cli/stack_file.hpp"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "spec/read.hpp"

namespace drover::cli {

namespace {
namespace fs = std::filesystem;
constexpr std::size_t largest = 4 << 20;  // bytes

Result<std::string> read_stream(std::istream& in, const std::string& name) {
  std::string text(largest + 1, '\0');
  in.read(text.data(), std::streamsize(text.size()));
  if (in.bad()) return fail(from_errno(EIO, "cannot read " + name));
  text.resize(std::size_t(in.gcount()));
  if (text.size() > largest) return fail(Errc::exhausted, name + " is larger than 4 MiB");
  return text;
}

Result<std::string> read_stdin() {
  std::string text;
  char buffer[65536];
  for (;;) {
    auto count = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(from_errno(errno, "cannot read stdin"));
    if (count == 0) return text;
    text.append(buffer, std::size_t(count));
    if (text.size() > largest) return fail(Errc::exhausted, "stdin is larger than 4 MiB");
  }
}

Result<std::string> read_path(const std::string& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return fail(Errc::invalid, path + " is a directory, not a file");
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(from_errno(errno, "cannot read " + path));
  return read_stream(in, path);
}

Result<std::string> find_default() {
  static constexpr const char* names[] = {"drover.yaml",       "drover.yml",  "drover.json",
                                          "compose.yaml",      "compose.yml", "docker-compose.yaml",
                                          "docker-compose.yml"};
  std::error_code ignored;
  for (const char* name : names)
    if (fs::exists(name, ignored)) return std::string(name);
  return fail(Errc::not_found, "there is no stack file in this directory",
              "looked for drover.yaml, compose.yaml and their kin", "name it: drover up FILE");
}
}  // namespace

Result<std::string> read_text(const std::string& path) {
  return path == "-" ? read_stdin() : read_path(path);
}

Result<StackFile> read_stack_file(Context& context, const std::string& given) {
  std::string path = given;
  if (path.empty()) {
    TRY(path, find_default());
  }
  bool from_stdin = path == "-";
  TRY(auto source, read_text(path));
  auto absolute = fs::absolute(from_stdin ? "stdin" : path).lexically_normal();
  ReadOptions options;
  options.file = from_stdin ? "stdin" : path;
  options.directory = absolute.parent_path().string();
  options.variables = context.environment;
  options.read_file = read_path;
  options.default_name = absolute.parent_path().filename().string();
  context.sources[options.file] = source;
  TRY(auto read, read_stack(source, options));
  for (const auto& warning : read.warnings)
    context.err.write(context.err.paint(Style::yellow, "warning: ") + show_problem(warning, source) + "\n");
  StackFile out{std::move(read.stack), {}, from_stdin ? "" : absolute.string()};
  out.document = print_stack(out.stack);
  return out;
}

}  // namespace drover::cli
