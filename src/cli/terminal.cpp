#include "cli/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <cstdlib>
#include <cwchar>

namespace drover::cli {

namespace {
bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value && *value;
}

bool wants_colour(bool tty, std::string_view word) {
  if (word == "always") return true;
  if (word == "never" || is_set("NO_COLOR")) return false;
  for (const char* force : {"FORCE_COLOR", "CLICOLOR_FORCE"})
    if (is_set(force) && std::string_view(std::getenv(force)) != "0") return true;
  const char* term = std::getenv("TERM");
  return tty && term && std::string_view(term) != "dumb";
}

std::size_t width_of(int fd, bool tty) {
  if (!tty) return 0;
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

/// One code point of valid or broken UTF-8 (then one byte); advances `at`.
wchar_t next_point(std::string_view text, std::size_t& at) {
  auto byte = static_cast<unsigned char>(text[at++]);
  int more = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc0 ? 1 : 0;
  if (more == 0) return wchar_t(byte);
  wchar_t point = byte & (0x3f >> more);
  for (; more > 0 && at < text.size() && (text[at] & 0xc0) == 0x80; --more)
    point = (point << 6) | (text[at++] & 0x3f);
  return point;
}

/// Past an escape sequence (CSI … letter) at `at`, if there is one.
bool skip_escape(std::string_view text, std::size_t& at) {
  if (text[at] != '\x1b' || at + 1 >= text.size() || text[at + 1] != '[') return false;
  at += 2;
  while (at < text.size() && (text[at] < 0x40 || text[at] > 0x7e)) ++at;
  if (at < text.size()) ++at;
  return true;
}

std::size_t point_width(wchar_t point) {
  static const bool ready = std::setlocale(LC_CTYPE, "C.UTF-8") != nullptr;
  int width = ready ? ::wcwidth(point) : 1;
  return width < 0 ? 0 : std::size_t(width);
}
}  // namespace

std::string Terminal::paint(Style style, std::string_view text) const {
  static constexpr const char* codes[] = {"", "1", "2", "31", "32", "33", "34", "35", "36"};
  if (!colour || style == Style::plain || text.empty()) return std::string(text);
  return "\x1b[" + std::string(codes[int(style)]) + "m" + std::string(text) + "\x1b[0m";
}

bool Terminal::write(std::string_view text) const {
  while (!text.empty()) {
    auto count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    text.remove_prefix(std::size_t(count));
  }
  return true;
}

Terminal open_terminal(int fd, std::string_view colour) {
  Terminal out{fd};
  out.tty = ::isatty(fd) == 1;
  out.colour = wants_colour(out.tty, colour);
  out.width = width_of(fd, out.tty);
  return out;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();)
    if (!skip_escape(text, at)) width += point_width(next_point(text, at));
  return width;
}

std::string shorten(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return "";
  std::size_t used = 0;
  bool escaped = false;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t before = at;
    if (skip_escape(text, at)) {
      escaped = true;
      continue;
    }
    used += point_width(next_point(text, at));
    if (used > width - 1) return std::string(text.substr(0, before)) + "…" + (escaped ? "\x1b[0m" : "");
  }
  return std::string(text);
}

std::string printable(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) out += c;
    else if (c == '\t') out += "    ";
    else if (c == '\n') out += " ⏎ ";
    else (out += "\\x") += {digits[byte >> 4], digits[byte & 15]};
  }
  return out;
}

}  // namespace drover::cli
