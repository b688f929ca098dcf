#pragma once
// Stack files are read here, where variables and env_files are; the hub gets the whole stack as JSON.

#include "cli/context.hpp"
#include "model/stack.hpp"

namespace drover::cli {

struct StackFile {
  Stack stack;
  std::string document;  // what the hub gets
  std::string path;      // absolute; "": from stdin
};

/// `path`: a file, "-" for stdin, or empty: drover.yaml, compose.yaml … in this directory. Warnings go to
/// stderr. The file's text is kept in the context, so that errors can show the line.
Result<StackFile> read_stack_file(Context& context, const std::string& path);

/// A text of at most 4 MiB; "-": stdin.
Result<std::string> read_text(const std::string& path);

}  // namespace drover::cli
