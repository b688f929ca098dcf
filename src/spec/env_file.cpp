// Compose's environment files: NAME=value lines, comments, quotes, ${…}.
#include <fmt/format.h>

#include "base/text.hpp"
#include "spec/words.hpp"

namespace drover::spec {

namespace {
class EnvReader {
 public:
  EnvReader(std::string_view text, const Variables& variables, bool raw)
      : text_(text), variables_(variables), raw_(raw) {}

  Result<EnvFile> all() {
    while (at_ < text_.size()) {
      begin_ = line_;
      if (auto done = one(); !done) problem(done.error());
    }
    if (problems_.empty()) return std::move(out_);
    return fail(Error{Errc::invalid, "the environment file cannot be read", {}, {}, std::move(problems_)});
  }

 private:
  void problem(const Error& error) { problems_.push_back({"", begin_, 1, error.message, error.hint, ""}); }

  std::string_view take_line() {
    std::size_t end = text_.find('\n', at_);
    std::string_view line = text_.substr(at_, end == std::string_view::npos ? end : end - at_);
    at_ = end == std::string_view::npos ? text_.size() : end + 1;
    ++line_;
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  Result<void> one() {
    std::string_view line = take_line();
    std::string_view content = trim(line);
    if (content.empty() || content[0] == '#') return {};
    if (!raw_ && content.starts_with("export ")) content = trim(content.substr(7));
    std::size_t equals = content.find('=');
    std::string name(trim(content.substr(0, equals)));
    if (name.empty() || name.find_first_of(" \t\"'") != std::string::npos)
      return fail(Errc::invalid, fmt::format("\"{}\" is not NAME=value", content.substr(0, 60)));
    if (equals == std::string_view::npos) {
      auto found = variables_.find(name);
      if (found != variables_.end()) out_.values[name] = found->second;
      return {};
    }
    if (raw_) {
      out_.values[name] = std::string(line.substr(line.find('=') + 1));
      return {};
    }
    std::string_view value = trim(content.substr(equals + 1));
    if (!value.empty() && (value[0] == '"' || value[0] == '\''))
      return quoted(name, std::size_t(value.data() - text_.data()));
    return put(name, unquoted(value));
  }

  static std::string_view unquoted(std::string_view value) {
    if (value.starts_with('#')) return {};
    for (std::size_t i = 1; i < value.size(); ++i)
      if (value[i] == '#' && (value[i - 1] == ' ' || value[i - 1] == '\t')) return trim(value.substr(0, i));
    return value;
  }

  /// A quoted value may go on over several lines. `at`: offset of the opening quote.
  Result<void> quoted(const std::string& name, std::size_t at) {
    char quote = text_[at];
    std::string value;
    std::size_t i = at + 1;
    for (; i < text_.size() && text_[i] != quote; ++i) {
      if (text_[i] == '\\' && i + 1 < text_.size() && (quote == '"' || text_[i + 1] == quote))
        value += escaped(text_[++i], quote);
      else value += text_[i];
    }
    if (i == text_.size()) return fail(Errc::invalid, fmt::format("the quote {} is not closed", quote));
    while (at_ <= i) take_line();
    std::size_t end = std::min(text_.find('\n', i), text_.size());
    std::string_view after = trim(text_.substr(i + 1, end - i - 1));
    if (!after.empty() && after[0] != '#')
      return fail(Errc::invalid,
                  fmt::format("there is more after the closing quote: {}", after.substr(0, 40)));
    if (quote == '"') return put(name, value);
    out_.values[name] = value;
    return {};
  }

  static std::string escaped(char c, char quote) {
    if (quote == '\'') return std::string(1, c);
    switch (c) {
      case 'n': return "\n";
      case 'r': return "\r";
      case 't': return "\t";
      case '$': return "$$";  // interpolation makes it one again
      case '"':
      case '\\': return std::string(1, c);
      default: return std::string("\\") + c;
    }
  }

  Result<void> put(const std::string& name, std::string_view value) {
    TRY(auto done, interpolate(value, variables_));
    for (std::string& missing : done.missing) out_.missing.push_back(std::move(missing));
    out_.values[name] = std::move(done.text);
    return {};
  }

  std::string_view text_;
  const Variables& variables_;
  bool raw_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1, begin_ = 1;
  EnvFile out_;
  std::vector<Problem> problems_;
};
}  // namespace

Result<EnvFile> parse_env_file(std::string_view text, const Variables& variables, bool raw) {
  return EnvReader(text, variables, raw).all();
}

}  // namespace drover::spec
