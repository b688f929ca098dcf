#include "spec/context.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/text.hpp"

namespace drover::spec {

namespace {
constexpr std::size_t max_problems = 200;

/// Whether one of two paths is the other, or inside of it.
bool related(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  return b.starts_with(a) && (b.size() == a.size() || a.empty() || b[a.size()] == '.' || b[a.size()] == '[');
}

void in_order_of_file(std::vector<Problem>& problems) {
  std::ranges::sort(problems, [](const Problem& a, const Problem& b) {
    return std::tie(a.file, a.line, a.column, a.path, a.message) <
           std::tie(b.file, b.line, b.column, b.path, b.message);
  });
  // Equal ones come from aliases and from defaults that apply to several services.
  auto same = [](const Problem& a, const Problem& b) {
    return a.file == b.file && a.line == b.line && a.column == b.column && a.message == b.message;
  };
  auto rest = std::ranges::unique(problems, same);
  problems.erase(rest.begin(), rest.end());
}
}  // namespace

Context::Step::Step(Context& context, std::string_view key, std::string_view written, Mark at)
    : context_(context), path_(context.path_.size()), file_path_(context.file_path_.size()) {
  auto element = [](const std::string& path, std::string_view word) {
    return (path.empty() || word.empty() || word[0] == '[' ? "" : ".") + std::string(word);
  };
  enter(element(context.path_, key), element(context.file_path_, written), at);
}
Context::Step::Step(Context& context, std::size_t index, Mark at)
    : context_(context), path_(context.path_.size()), file_path_(context.file_path_.size()) {
  std::string element = fmt::format("[{}]", index);
  enter(element, element, at);
}
void Context::Step::enter(const std::string& key, const std::string& written, Mark at) {
  context_.path_ += key;
  context_.file_path_ += written;
  context_.places_.try_emplace(context_.path_, Place{at, context_.file_path_});
}
Context::Step::~Step() {
  context_.path_.resize(path_);
  context_.file_path_.resize(file_path_);
}

Problem Context::make(Mark at, std::string path, std::string message, std::string hint) const {
  return {std::move(path), at.line, at.column, std::move(message), std::move(hint), options_.file};
}

void Context::problem(Mark at, std::string message, std::string hint) {
  wrong_.push_back(path_);
  if (problems_.size() < max_problems)
    problems_.push_back(make(at, file_path_, std::move(message), std::move(hint)));
}

void Context::problem_in(Mark at, std::string_view key, std::string message, std::string hint) {
  Step step(*this, key, at);
  problem(at, std::move(message), std::move(hint));
}

void Context::problem_at(std::string path, Mark at, std::string message, std::string hint) {
  wrong_.push_back(path);
  if (problems_.size() < max_problems)
    problems_.push_back(make(at, std::move(path), std::move(message), std::move(hint)));
}

void Context::warning(Mark at, std::string message, std::string hint) {
  warning_at(file_path_, at, std::move(message), std::move(hint));
}

void Context::warning_at(std::string path, Mark at, std::string message, std::string hint) {
  if (warnings_.size() < max_problems)
    warnings_.push_back(make(at, std::move(path), std::move(message), std::move(hint)));
}

void Context::foreign(Problem problem) {
  wrong_.push_back(path_);
  if (problems_.size() < max_problems) problems_.push_back(std::move(problem));
}

void Context::also(std::string_view key) {
  const Place* here = locate(path_);
  std::string parent = path_.substr(0, path_.rfind('.') + 1);
  if (here) places_.try_emplace(parent + std::string(key), *here);
}

void Context::excuse(std::string_view key) { wrong_.push_back(path_ + "." + std::string(key)); }

/// The nearest place that the file has; what comes from a default for all services is there.
const Context::Place* Context::locate(std::string path) const {
  for (std::string_view shared : {".place.", ".update."}) {
    std::size_t at = path.find(shared);
    if (at == std::string::npos || places_.contains(path)) continue;
    if (auto found = places_.find(path.substr(at + 1)); found != places_.end()) return &found->second;
  }
  for (;;) {
    if (auto found = places_.find(path); found != places_.end()) return &found->second;
    std::size_t cut = path.find_last_of(".[");
    if (cut == std::string::npos) return nullptr;
    path.resize(cut);
  }
}

void Context::from_model(Problem problem) {
  bool about_port = problem.message.starts_with("{{port.");  // perhaps one that could not be read
  for (const std::string& wrong : wrong_) {
    if (related(wrong, problem.path)) return;
    std::size_t ports = wrong.find(".ports");
    if (about_port && ports != std::string::npos && problem.path.starts_with(wrong.substr(0, ports + 1)))
      return;
  }
  if (problems_.size() >= max_problems) return;
  bool exact = places_.contains(problem.path);
  if (const Place* place = locate(problem.path)) {
    problem.line = place->at.line;
    problem.column = place->at.column;
    if (exact || place->path.size() > problem.path.size()) problem.path = place->path;
  }
  problem.file = options_.file;
  problems_.push_back(std::move(problem));
}

Error Context::error() {
  in_order_of_file(problems_);
  std::string name = options_.file.empty() ? "the stack file" : options_.file;
  Error error{Errc::invalid, fmt::format("{} has {} errors", name, problems_.size()), {}, {}, problems_};
  if (problems_.size() == 1)
    error.message =
        fmt::format("{}{}{}: {}", name, problems_[0].line ? fmt::format(":{}", problems_[0].line) : "",
                    problems_[0].path.empty() ? "" : ": " + problems_[0].path, problems_[0].message);
  else if (problems_.size() >= max_problems)
    error.message = fmt::format("{} has {} errors or more", name, problems_.size());
  return error;
}

std::vector<Problem> Context::take_warnings() {
  in_order_of_file(warnings_);
  return std::move(warnings_);
}

void unknown_key(Context& context, const Entry& entry, std::vector<std::string_view> known,
                 std::span<const Later> later) {
  for (const Later& one : later) {
    if (one.key != entry.key) continue;
    return context.problem(entry.at, fmt::format("this version of Drover does not support {}", one.what),
                           std::string(one.hint));
  }
  auto near = nearest(entry.key, std::span<const std::string_view>(known));
  std::ranges::sort(known);
  context.problem(
      entry.at, fmt::format("there is no \"{}\" here", entry.key),
      near ? fmt::format("did you mean \"{}\"?", *near) : fmt::format("allowed: {}", quoted_words(known)));
}

std::string quoted_words(std::span<const std::string_view> words) {
  std::string all;
  for (std::string_view word : words) all += fmt::format("{}{}", all.empty() ? "" : ", ", word);
  return all;
}

}  // namespace drover::spec
