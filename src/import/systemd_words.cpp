// Quoting, specifiers, variables and prefixes of systemd's command lines.
#include <fmt/format.h>

#include "base/text.hpp"
#include "import/systemd.hpp"
#include "import/text.hpp"

namespace drover::importer {

namespace {
class Words {
 public:
  explicit Words(std::string_view text) : text_(text) {}

  Result<std::vector<std::string>> all() {
    for (; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (quote_ != 0 && c == quote_) quote_ = 0;
      else if (c == '\\') {
        TRYV(escape());
      } else if (quote_ != 0) word_ += c;
      else if (c == '"' || c == '\'') {
        quote_ = c;
        open_ = true;
      } else if (c == ' ' || c == '\t') end();
      else put(c);
    }
    if (quote_ != 0) return fail(Errc::invalid, fmt::format("the quote {} is not closed", quote_));
    end();
    return std::move(words_);
  }

 private:
  void put(char c) {
    word_ += c;
    open_ = true;
  }
  void end() {
    if (open_) words_.push_back(std::move(word_));
    word_.clear();
    open_ = false;
  }

  Result<void> number(std::size_t digits, int base) {
    std::string text(text_.substr(at_ + (base == 16 ? 1 : 0), digits));
    std::size_t used = 0;
    int value = 0;
    try {
      value = std::stoi(text, &used, base);
    } catch (const std::exception&) {
      used = 0;
    }
    if (used != digits || value == 0 || value > 255)
      return fail(Errc::invalid, fmt::format("\\{} is not a character", text_.substr(at_, 4)));
    put(char(value));
    at_ += digits - (base == 16 ? 0 : 1);
    return {};
  }

  Result<void> escape() {
    if (++at_ == text_.size()) return fail(Errc::invalid, "a backslash at the end");
    char c = text_[at_];
    constexpr std::string_view names = "abfnrtvs", means = "\a\b\f\n\r\t\v ";
    if (std::size_t found = names.find(c); found != std::string_view::npos) put(means[found]);
    else if (c == 'x') return number(2, 16);
    else if (c >= '0' && c <= '7') return number(3, 8);
    else if (c == '\\' || c == '"' || c == '\'') put(c);
    else {  // systemd keeps what it does not know
      put('\\');
      put(c);
    }
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  char quote_ = 0;
  bool open_ = false;
  std::string word_;
  std::vector<std::string> words_;
};

std::string unescaped_instance(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '-') out += '/';
    else if (text.substr(i).starts_with("\\x2d")) {
      out += '-';
      i += 3;
    } else out += text[i];
  }
  return out;
}
}  // namespace

Result<std::vector<std::string>> systemd_words(std::string_view text) { return Words(text).all(); }

std::string Unit::specifiers(std::string_view text, const IniEntry& at) {
  std::string stem = stem_of(name), out;
  std::size_t sign = stem.find('@');
  std::string prefix = stem.substr(0, sign),
              instance = sign == std::string::npos ? "" : stem.substr(sign + 1);
  bool root = user.empty() || user == "root" || user == "0";
  std::map<char, std::string> known{{'n', name},
                                    {'N', stem},
                                    {'p', prefix},
                                    {'i', instance},
                                    {'I', unescaped_instance(instance)},
                                    {'u', root ? "root" : user},
                                    {'t', "/run"},
                                    {'S', "/var/lib"},
                                    {'C', "/var/cache"},
                                    {'L', "/var/log"},
                                    {'E', "/etc"},
                                    {'T', "/tmp"},
                                    {'V', "/var/tmp"},
                                    {'h', root ? "/root" : "/home/" + user}};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    char c = text[++i];
    auto found = known.find(c);
    if (c == '%') out += '%';
    else if (c == 'H' || c == 'l') out += "{{node.name}}";
    else if (found == known.end())
      to.problem(at.line, fmt::format("{}: %{} cannot be known here", at.key, c), "write its value");
    else out += found->second;
    if (c == 'h' && !root)
      to.changed(at.line, at.key, fmt::format("%h is taken to be {}", found->second),
                 "write the home directory");
    if ((c == 'i' || c == 'I') && instance.empty())
      to.problem(at.line,
                 fmt::format("{}: %{} is the instance of a template, and \"{}\" names none", at.key, c, name),
                 "copy the unit to NAME@INSTANCE.service, and import that");
  }
  return out;
}

namespace {
/// ${NAME} within a word, $NAME as a word of its own that is split at blanks.
void put_word(Unit& unit, const IniEntry& at, const std::string& word, std::vector<std::string>& out) {
  auto value = [&](const std::string& variable_name) {
    auto found = unit.variables.find(variable_name);
    if (found != unit.variables.end()) {
      unit.to.changed(at.line, at.key, fmt::format("${} is written out as it is now", variable_name));
      return found->second;
    }
    unit.to.changed(at.line, at.key,
                    fmt::format("${} is set nowhere in the unit, so it is empty", variable_name),
                    "write its value into command");
    return std::string();
  };
  if (word.size() > 1 && word[0] == '$' && word[1] != '{' && word[1] != '$') {
    auto words = systemd_words(value(word.substr(1)));
    if (words) out.insert(out.end(), words->begin(), words->end());
    return;
  }
  std::string text;
  for (std::size_t i = 0; i < word.size(); ++i) {
    std::string_view rest = std::string_view(word).substr(i);
    std::size_t end = rest.starts_with("${") ? rest.find('}') : std::string_view::npos;
    if (end != std::string_view::npos) text += value(std::string(rest.substr(2, end - 2)));
    else text += word[i];
    if (end != std::string_view::npos) i += end;
    else if (rest.starts_with("$$")) ++i;
  }
  out.push_back(std::move(text));
}
}  // namespace

std::vector<std::string> Unit::command(const IniEntry& entry) {
  std::string_view text = trim(entry.value);
  bool named = false, plain = false;
  for (; !text.empty() && std::string_view("@-:+!|").find(text[0]) != std::string_view::npos;
       text.remove_prefix(1)) {
    if (text[0] == '@') named = true;
    if (text[0] == ':') plain = true;
    if (text[0] == '-')
      to.lost(entry.line, entry.key + " -", "a failure of it is a failure", "restart: {success: [0, 1]}");
    if (text[0] == '+' || text[0] == '!')
      to.lost(entry.line, entry.key + " " + text[0], "it runs as the service's user", "user: root");
  }
  std::vector<std::string> out;
  auto words = systemd_words(text);
  if (!words || words->empty()) {
    to.problem(entry.line,
               fmt::format("{}: {}", entry.key, words ? "there is no command" : words.error().message));
    return out;
  }
  for (std::string& word : *words) {
    // {{ of the unit is doubled before specifiers put placeholders in.
    std::string filled = specifiers(literal(word), entry);
    if (plain) out.push_back(std::move(filled));
    else put_word(*this, entry, filled, out);
  }
  if (named && out.size() > 1) {
    to.lost(entry.line, entry.key + " @", fmt::format("its own name for itself ({})", out[1]));
    out.erase(out.begin() + 1);
  }
  return out;
}

}  // namespace drover::importer
