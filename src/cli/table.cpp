#include "cli/table.hpp"

#include <algorithm>

namespace drover::cli {

namespace {
constexpr std::size_t gap = 2;
constexpr std::size_t narrowest = 6;  // a shortened column keeps so much

using Rows = std::vector<std::vector<Cell>>;

std::vector<std::size_t> natural_widths(const std::vector<Column>& columns, const Rows& rows, bool headers) {
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    std::size_t width = 0;
    for (const auto& row : rows) width = std::max(width, display_width(row[c].text));
    if (width > 0 && headers) width = std::max(width, display_width(columns[c].header));
    widths.push_back(width);  // 0: empty in every row
  }
  return widths;
}

std::size_t total(const std::vector<std::size_t>& widths) {
  std::size_t sum = 0;
  for (auto width : widths) sum += width ? width + gap : 0;
  return sum ? sum - gap : 0;
}

/// Takes what is too much from the shrinking columns, the widest first.
void fit(const std::vector<Column>& columns, std::vector<std::size_t>& widths, std::size_t limit) {
  while (total(widths) > limit) {
    std::size_t widest = columns.size();
    for (std::size_t c = 0; c < columns.size(); ++c)
      if (columns[c].shrinks && widths[c] > narrowest &&
          (widest == columns.size() || widths[c] > widths[widest]))
        widest = c;
    if (widest == columns.size()) return;
    --widths[widest];
  }
}

std::string line(const std::vector<Column>& columns, const std::vector<Cell>& cells,
                 const std::vector<std::size_t>& widths, const Terminal& terminal) {
  std::string out;
  std::string pending;  // blanks are written only in front of something
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (widths[c] == 0) continue;
    auto text = shorten(cells[c].text, widths[c]);
    std::string blanks(widths[c] - std::min(widths[c], display_width(text)), ' ');
    if (columns[c].right) pending += blanks;
    if (!text.empty()) {
      out += pending + terminal.paint(cells[c].style, text);
      pending.clear();
    }
    if (!columns[c].right) pending += blanks;
    pending += std::string(gap, ' ');
  }
  return out + "\n";
}

std::string tab_line(const std::vector<Cell>& cells) {
  std::string out;
  for (std::size_t c = 0; c < cells.size(); ++c) out += (c ? "\t" : "") + cells[c].text;
  return out + "\n";
}
}  // namespace

std::string print_table(const std::vector<Column>& columns, const Rows& rows, const Terminal& terminal,
                        const TableOptions& options) {
  std::vector<Cell> header;
  for (const auto& column : columns) header.push_back({column.header, Style::bold});
  std::string out;
  if (options.tabs) {
    if (options.headers) out += tab_line(header);
    for (const auto& row : rows) out += tab_line(row);
    return out;
  }
  auto widths = natural_widths(columns, rows, options.headers);
  if (options.shorten && terminal.width) fit(columns, widths, terminal.width);
  if (options.headers) out += line(columns, header, widths, terminal);
  for (const auto& row : rows) out += line(columns, row, widths, terminal);
  return out;
}

}  // namespace drover::cli
