#pragma once
// Tables for terminals: widths in columns, not bytes; fits the terminal by shortening what matters least.

#include <cstddef>
#include <string>
#include <vector>

#include "cli/terminal.hpp"

namespace drover::cli {

struct Cell {
  std::string text;
  Style style = Style::plain;
};

struct Column {
  std::string header;
  bool right = false;
  bool shrinks = false;  // may be shortened when the table is wider than the terminal
};

struct TableOptions {
  bool headers = true;
  bool shorten = true;  // to the terminal's width
  bool tabs = false;    // one tab between cells, nothing aligned: for programs
};

/// The table with a newline after each line. Columns that are empty in every row are left out when `shorten`.
std::string print_table(const std::vector<Column>& columns, const std::vector<std::vector<Cell>>& rows,
                        const Terminal& terminal, const TableOptions& options);

}  // namespace drover::cli
