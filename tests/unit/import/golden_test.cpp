// A folder of data/good or data/bad is an import: its files, and in expected.txt the stack file and the
// notes, or the error. UPDATE_GOLDEN=1 writes the expectations anew; read the difference before it is
// committed.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "import/import.hpp"
#include "spec/read.hpp"

namespace drover::importer {
namespace {
namespace fs = std::filesystem;

// The files say that they are in here, wherever the tests run.
constexpr std::string_view pretended = "/srv/shop";

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

Options options_for(const fs::path& folder) {
  Options out;
  out.cpus = 4;
  out.variables = {{"APP_SECRET", "a\"b$c"}};
  if (folder.filename() == "pm2_production") out.environment = "production";
  auto real = [folder](const std::string& path) {
    return folder / fs::path(path).lexically_relative(std::string(pretended));
  };
  out.read_file = [real](const std::string& path) -> Result<std::string> {
    if (path == "/etc/default/shop") return "LEVEL=debug\nEXTRA='-a -b'\n";
    if (!path.starts_with(pretended) || !fs::is_regular_file(real(path)))
      return fail(Errc::not_found, "no such file");
    return slurp(real(path));
  };
  out.glob = [real](const std::string& pattern) {
    std::vector<std::string> found;
    fs::path directory = fs::path(pattern).parent_path();
    for (const auto& entry : fs::directory_iterator(real(directory.string())))
      found.push_back((directory / entry.path().filename()).string());
    std::ranges::sort(found);
    return found;
  };
  return out;
}

std::vector<Input> inputs_of(const fs::path& folder) {
  std::vector<Input> out;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::string name = entry.path().filename().string();
    if (!entry.is_regular_file() || name == "expected.txt" || name.ends_with(".env")) continue;
    out.push_back({name, std::string(pretended) + "/" + name, slurp(entry.path()), {}});
  }
  std::ranges::sort(out, {}, &Input::file);
  return out;
}

std::string outcome(const fs::path& folder) {
  auto inputs = inputs_of(folder);
  auto options = options_for(folder);
  auto done = import_files(inputs, options);
  if (!done) {
    std::string out = "error: " + done.error().message + "\n";
    if (!done.error().cause.empty()) out += "cause: " + done.error().cause + "\n";
    if (!done.error().hint.empty()) out += "try: " + done.error().hint + "\n";
    for (const Problem& problem : done.error().problems) out += show_problem(problem, "") + "\n";
    return out;
  }
  ReadOptions again;
  again.variables = options.variables;
  again.read_file = options.read_file;
  again.directory = "/elsewhere";
  auto read = read_stack(done->text, again);
  EXPECT_TRUE(read) << read.error().message;
  if (read) {
    EXPECT_EQ(read->stack, done->stack);
    EXPECT_TRUE(validate(read->stack).empty());
  }
  return done->text + "---\n" + show_notes(done->notes) + (done->partial ? "(partial)\n" : "");
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, IsAsExpected) {
  fs::path folder(GetParam()), expected = folder / "expected.txt";
  std::string got = outcome(folder);
  EXPECT_EQ(got.starts_with("error: "), folder.parent_path().filename() == "bad") << got;
  if (std::getenv("UPDATE_GOLDEN")) std::ofstream(expected, std::ios::binary) << got;
  // The expectation says what comes out when stack files can say all that the model has.
  if (got.find("this version's stack files cannot say it") == std::string::npos)
    EXPECT_EQ(got, slurp(expected));
}

std::vector<std::string> folders() {
  std::vector<std::string> out;
  for (const char* kind : {"good", "bad"})
    for (const auto& entry : fs::directory_iterator(fs::path("tests/unit/import/data") / kind))
      out.push_back(entry.path().string());
  std::ranges::sort(out);
  return out;
}

INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::ValuesIn(folders()), [](const auto& info) {
  fs::path path(info.param);
  return path.parent_path().filename().string() + "_" + path.filename().string();
});

}  // namespace
}  // namespace drover::importer
