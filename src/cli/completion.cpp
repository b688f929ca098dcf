// Shell completion from the command tree. Names of instances, services and nodes come from `drover
// __complete`.
#include "base/text.hpp"
#include "cli/command.hpp"

namespace drover::cli {

namespace {
struct Node {
  std::string path;  // "drover task ls"
  std::vector<std::string> words, flags;
  std::vector<std::pair<std::string, std::string>> described;  // word or flag, help
  std::string values;                                          // file | targets | ""
};

void collect(std::vector<Node>& out, const Command& command, const std::string& path,
             const std::vector<Flag>& global) {
  Node node{path, {}, {}, {}, {}};
  for (const auto& child : command.commands) {
    if (child.hidden) continue;
    node.words.push_back(child.name);
    node.described.emplace_back(child.name, child.help);
  }
  const auto others = global_beside(command, global);
  for (const auto* flags : {&command.flags, &others})
    for (const auto& flag : *flags)
      for (const auto& name : split(flag.names, ',')) {
        node.flags.push_back(name);
        node.described.emplace_back(name, flag.help);
      }
  node.flags.push_back("--help");
  if (!command.arguments.empty()) node.values = command.arguments[0].complete == "file" ? "file" : "targets";
  if (!command.arguments.empty() && command.arguments[0].name == "NODE") node.values = "nodes";
  out.push_back(std::move(node));
  for (const auto& child : command.commands)
    if (!child.hidden) collect(out, child, path + " " + child.name, global);
}

std::string quoted(const std::string& text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string flag_values_cases(const std::vector<Flag>& flags) {
  std::string out;
  for (const auto& flag : flags)
    if (!flag.words.empty()) {
      auto names = split(flag.names, ',');
      out += "    " + join(names, "|") + ") COMPREPLY=($(compgen -W '" + join(flag.words, " ") +
             "' -- \"$cur\")); return;;\n";
    }
  return out;
}

std::string bash_script(const std::vector<Node>& nodes, const std::vector<Flag>& global) {
  std::string out =
      "# bash completion of drover:  source <(drover completion bash)\n"
      "_drover() {\n  local cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\" "
      "path=drover word\n"
      "  case \"$prev\" in\n" +
      flag_values_cases(global) +
      "    --state) COMPREPLY=($(compgen -d -- \"$cur\")); return;;\n    --ca-file|--config) "
      "COMPREPLY=($(compgen -f -- \"$cur\")); return;;\n"
      "  esac\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n    case \"$path $word\" in\n";
  for (const auto& node : nodes)
    if (node.path != "drover") out += "      " + quoted(node.path) + ") path=" + quoted(node.path) + ";;\n";
  out += "    esac\n  done\n  local words='' flags='' values=''\n  case \"$path\" in\n";
  for (const auto& node : nodes)
    out += "    " + quoted(node.path) + ") words=" + quoted(join(node.words, " ")) +
           " flags=" + quoted(join(node.flags, " ")) + " values=" + quoted(node.values) + ";;\n";
  out +=
      "  esac\n"
      "  if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W \"$flags\" -- \"$cur\")); return; fi\n"
      "  case \"$values\" in\n    file) COMPREPLY=($(compgen -f -- \"$cur\")); return;;\n"
      "    targets|nodes) words=\"$words $(timeout 0.3 drover __complete \"$values\" 2>/dev/null)\";;\n  "
      "esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -F _drover drover\n";
  return out;
}

std::string zsh_script(const std::vector<Node>& nodes) {
  auto described = [](const std::vector<std::pair<std::string, std::string>>& pairs, bool flags) {
    std::string out;
    for (auto [word, help] : pairs) {
      if (word.starts_with('-') != flags) continue;
      for (std::size_t at = 0; (at = help.find(':', at)) != std::string::npos; at += 2)
        help.replace(at, 1, "\\:");
      out += " " + quoted(word + ":" + help);
    }
    return out;
  };
  std::string out =
      "#compdef drover\n# zsh completion of drover:  source <(drover completion zsh)\n"
      "_drover() {\n  local path_=drover word\n  for word in ${words[2,CURRENT-1]}; do\n    case \"$path_ "
      "$word\" in\n";
  for (const auto& node : nodes)
    if (node.path != "drover") out += "      " + quoted(node.path) + ") path_=" + quoted(node.path) + ";;\n";
  out += "    esac\n  done\n  local -a subs flags\n  local values=''\n  case \"$path_\" in\n";
  for (const auto& node : nodes)
    out += "    " + quoted(node.path) + ") subs=(" + described(node.described, false) + "); flags=(" +
           described(node.described, true) + "); values=" + quoted(node.values) + ";;\n";
  out +=
      "  esac\n  if [[ ${words[CURRENT]} == -* ]]; then _describe flag flags; return; fi\n"
      "  (( $#subs )) && _describe command subs\n"
      "  case \"$values\" in\n    file) _files;;\n    targets|nodes) compadd -- ${(f)\"$(drover __complete "
      "$values 2>/dev/null)\"};;\n  esac\n}\n"
      "compdef _drover drover\n";
  return out;
}

std::string fish_script(const std::vector<Node>& nodes) {
  std::string out =
      "# fish completion of drover:  drover completion fish | source\n"
      "function __drover_path\n  set -l path drover\n  for word in (commandline -opc)[2..-1]\n    switch "
      "\"$path $word\"\n";
  for (const auto& node : nodes)
    if (node.path != "drover")
      out += "      case " + quoted(node.path) + "\n        set path " + quoted(node.path) + "\n";
  out +=
      "    end\n  end\n  echo $path\nend\nfunction __drover_at\n  test (__drover_path) = "
      "\"$argv\"\nend\ncomplete -c drover -f\n";
  for (const auto& node : nodes) {
    auto condition = "complete -c drover -n " + quoted("__drover_at " + node.path);
    for (const auto& [word, help] : node.described) {
      if (word.starts_with("--")) out += condition + " -l " + word.substr(2) + " -d " + quoted(help) + "\n";
      else if (word.starts_with("-"))
        out += condition + " -s " + word.substr(1) + " -d " + quoted(help) + "\n";
      else out += condition + " -a " + word + " -d " + quoted(help) + "\n";
    }
    if (node.values == "file") out += condition + " -F\n";
    else if (!node.values.empty())
      out += condition + " -a '(drover __complete " + node.values + " 2>/dev/null)'\n";
  }
  return out;
}
}  // namespace

Result<std::string> completion_script(const Command& root, const std::vector<Flag>& global,
                                      const std::string& shell) {
  std::vector<Node> nodes;
  collect(nodes, root, "drover", global);
  if (shell == "bash") return bash_script(nodes, global);
  if (shell == "zsh") return zsh_script(nodes);
  if (shell == "fish") return fish_script(nodes);
  return fail(Errc::invalid, "there is no completion for \"" + shell + "\"", {}, "bash, zsh or fish");
}

}  // namespace drover::cli
