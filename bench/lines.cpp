// bench_lines MIB LINE_BYTES: a program that prints, a write a line; what the log benchmarks run as a
// service.

#include <unistd.h>

#include <cstdlib>
#include <string>

int main(int argc, char** argv) {
  if (argc != 3) return argc == 1 ? 0 : 2;  // without arguments: there is nothing to measure here by itself
  const std::size_t total = std::strtoul(argv[1], nullptr, 10) << 20,
                    length = std::strtoul(argv[2], nullptr, 10);
  if (length < 2) return 2;
  std::string line(length - 1, 'x');
  line += '\n';
  for (std::size_t sent = 0; sent < total; sent += length)
    if (::write(1, line.data(), line.size()) != ssize_t(line.size())) return 1;
}
