#pragma once
// The terminal: is there one, how wide, may it be coloured; widths of Unicode text.

#include <cstddef>
#include <string>
#include <string_view>

namespace drover::cli {

enum class Style { plain, bold, dim, red, green, yellow, blue, magenta, cyan };

/// What to do with one output stream. A plain value; made once per stream.
struct Terminal {
  int fd = 1;
  bool tty = false;
  bool colour = false;
  std::size_t width = 0;  // columns; 0: not limited
  std::string paint(Style style, std::string_view text) const;
  /// Writes all of it. False: the reader is gone.
  bool write(std::string_view text) const;
};

/// colour: auto | always | never. NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE and TERM=dumb decide on auto.
Terminal open_terminal(int fd, std::string_view colour);

/// Columns that a terminal needs for UTF-8 text; escape sequences need none.
std::size_t display_width(std::string_view text);
/// At most `width` columns, the end replaced by … when it is longer.
std::string shorten(std::string_view text, std::size_t width);
/// Printable: control characters but tab become \xNN. For what programs say in our tables.
std::string printable(std::string_view text);

}  // namespace drover::cli
