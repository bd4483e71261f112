// cli.cpp - pkv on the command line.
#include "pkv.h"

#include <CLI/CLI.hpp>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>

namespace {

struct failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum { found = 0, not_found = 1, failed = 2 };

struct pkv_bytes as_pkv(std::string_view b) {
  return {b.data(), b.size()};
}
std::string_view as_view(struct pkv_bytes b) {
  return {static_cast<const char *>(b.data), b.size};
}

// ===- Lines ------------------------------------------------------------===
//
// KEY<TAB>VALUE, any bytes: \t, \n, \\ and \xNN stand for what a line cannot
// have.

std::string escaped(std::string_view text) {
  std::string line;
  for (unsigned char c : text)
    if (c == '\\')
      line += "\\\\";
    else if (c == '\t')
      line += "\\t";
    else if (c == '\n')
      line += "\\n";
    else if (c < 32 || c == 127) {
      char hex[5];
      std::snprintf(hex, sizeof(hex), "\\x%02x", c);
      line += hex;
    } else
      line += static_cast<char>(c);
  return line;
}

int hex_digit(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                : -1;
}

/// Empty: a backslash with something else behind it.
std::optional<std::string> unescaped(std::string_view line) {
  std::string text;
  for (std::size_t i = 0; i < line.size(); i++) {
    if (line[i] != '\\') {
      text += line[i];
      continue;
    }
    char c = ++i < line.size() ? line[i] : '\0';
    if (c == '\\')
      text += '\\';
    else if (c == 't')
      text += '\t';
    else if (c == 'n')
      text += '\n';
    else if (c == 'x' && i + 2 < line.size() && hex_digit(line[i + 1]) >= 0 &&
             hex_digit(line[i + 2]) >= 0) {
      text += static_cast<char>(hex_digit(line[i + 1]) * 16 +
                                hex_digit(line[i + 2]));
      i += 2;
    } else
      return std::nullopt;
  }
  return text;
}

// ===- Progress ---------------------------------------------------------===

/// On stderr, when that is a terminal: how far, and how fast.
class progress {
  using clock = std::chrono::steady_clock;
  bool shown = isatty(STDERR_FILENO);
  std::uint64_t total;
  clock::time_point begun = clock::now(), last{};

public:
  explicit progress(std::uint64_t of) : total(of) {}
  ~progress() { clear(); }
  /// Before anything else is printed.
  void clear() {
    if (shown)
      std::cerr << "\r\033[K" << std::flush;
  }
  double seconds() const {
    return std::chrono::duration<double>(clock::now() - begun).count();
  }
  void at(std::uint64_t now, std::uint64_t pairs) {
    auto moment = clock::now();
    if (!shown || moment - last < std::chrono::milliseconds(100))
      return;
    last = moment;
    double share = total ? std::min(1.0, double(now) / double(total)) : 0;
    unsigned bar = unsigned(share * 30);
    char line[120];
    std::snprintf(line, sizeof(line),
                  "\r[%-30s] %3.0f%%  %llu pairs, %.0f a second",
                  std::string(bar, '#').c_str(), share * 100,
                  static_cast<unsigned long long>(pairs),
                  double(pairs) / std::max(seconds(), 1e-3));
    std::cerr << line << "\033[K" << std::flush;
  }
};

// ===- The store --------------------------------------------------------===

struct closer {
  void operator()(pkv *s) const { pkv_close(s); }
  void operator()(pkv_cursor *c) const { pkv_cursor_close(c); }
  void operator()(pkv_load *l) const { pkv_load_abort(l, nullptr); }
};

struct opened {
  std::unique_ptr<pkv, closer> store;
  pkv_tree *tree;
};

struct options {
  std::string store, tree, key, value, file, from, to, prefix, object;
  std::string mode = "600";
  bool durable = false, reverse = false, numbers = false, shared = false;
  std::uint64_t limit = 0, batch = PKV_LOAD_PAIRS;
};

[[noreturn]] void give_up() { throw failure(pkv_errormsg()); }

/// Beside processes that share the store it is shared, too.
std::unique_ptr<pkv, closer> open_store(const options &o, unsigned flags) {
  if (o.shared)
    flags |= PKV_SHARED;
  pkv *s = pkv_open(o.store.c_str(), flags);
  if (!s && errno == EBUSY)
    s = pkv_open(o.store.c_str(), flags | PKV_SHARED);
  if (!s)
    give_up();
  return std::unique_ptr<pkv, closer>(s);
}

/// To read, or to write with `write`: PKV_CREATE, or 0 for what has to be
/// there.
opened open_to(const options &o, std::optional<unsigned> write) {
  opened all;
  unsigned flags = write ? *write | (o.durable ? PKV_DURABLE : 0) : PKV_RDONLY;
  all.store = open_store(o, flags);
  all.tree = pkv_tree_open(all.store.get(), o.tree.c_str(), write.value_or(0));
  if (!all.tree)
    give_up();
  return all;
}

int get(const options &o) {
  opened s = open_to(o, std::nullopt);
  std::string value(4096, '\0');
  ptrdiff_t size;
  while ((size = pkv_get(s.tree, nullptr, as_pkv(o.key), value.data(),
                         value.size())) > ptrdiff_t(value.size()))
    value.resize(size);
  if (size < 0 && errno == ENOENT)
    return not_found;
  if (size < 0)
    give_up();
  std::cout << std::string_view(value).substr(0, size) << '\n';
  return found;
}

int put(const options &o) {
  opened s = open_to(o, PKV_CREATE);
  int result;
  if (o.object.empty()) {
    result = pkv_put(s.tree, nullptr, as_pkv(o.key), as_pkv(o.value), 0);
  } else {
    char *end;
    unsigned long mode = std::strtoul(o.mode.c_str(), &end, 8);
    if (*end || o.mode.empty() || mode > 07777) // or too many bits for a number
      throw failure("a mode is a number in octal, as 640");
    pkv_object *in = pkv_object_open(s.store.get(), o.object.c_str(),
                                     PKV_CREATE, unsigned(mode));
    if (!in)
      give_up();
    result =
        pkv_put_in(s.tree, nullptr, as_pkv(o.key), as_pkv(o.value), in, 0);
  }
  if (result < 0)
    give_up();
  return found;
}

int del(const options &o) {
  opened s = open_to(o, 0);
  if (!pkv_del(s.tree, nullptr, as_pkv(o.key)))
    return found;
  if (errno == ENOENT)
    return not_found;
  give_up();
}

int scan(const options &o) {
  opened s = open_to(o, std::nullopt);
  std::unique_ptr<pkv_cursor, closer> c(pkv_cursor_open(s.tree, nullptr));
  if (!c)
    give_up();
  auto within = [&](std::string_view key) {
    return (o.from.empty() || key >= o.from) && (o.to.empty() || key < o.to) &&
           key.substr(0, o.prefix.size()) == o.prefix;
  };
  const std::string &low = std::max(o.from, o.prefix);
  std::string high = o.prefix; // the first that does not begin with it
  while (!high.empty() && high.back() == '\xff')
    high.pop_back();
  if (!high.empty())
    high.back()++;
  if (!o.to.empty() && (high.empty() || o.to < high))
    high = o.to;
  bool on;
  if (!o.reverse)
    on = pkv_seek(c.get(), as_pkv(low));
  else if (high.empty())
    on = pkv_last(c.get());
  else {
    pkv_seek(c.get(), as_pkv(high));
    on = pkv_prev(c.get());
  }
  for (std::uint64_t n = 0; on && (!o.limit || n < o.limit); n++) {
    struct pkv_bytes key, value;
    if (pkv_pair(c.get(), &key, nullptr))
      give_up();
    if (!within(as_view(key)))
      break;
    if (pkv_pair(c.get(), &key, &value))
      throw failure("the value of '" + escaped(as_view(key)) +
                    "': " + pkv_errormsg());
    std::cout << escaped(as_view(key)) << '\t' << escaped(as_view(value))
              << '\n';
    on = o.reverse ? pkv_prev(c.get()) : pkv_next(c.get());
  }
  return found;
}

int load(const options &o) {
  std::ifstream file;
  if (o.file != "-") {
    file.open(o.file, std::ios::binary);
    if (!file)
      throw failure(o.file + ": " + std::strerror(errno));
  }
  std::istream &in = o.file == "-" ? std::cin : file;
  std::uint64_t size = 0;
  if (file.is_open() && file.seekg(0, std::ios::end)) {
    size = file.tellg();
    file.seekg(0);
  }
  in.clear(); // a pipe is read from where it stands

  opened s = open_to(o, PKV_CREATE);
  progress shown(size);
  std::uint64_t lines = 0, bytes = 0;
  struct pkv_loaded done;
  std::unique_ptr<pkv_load, closer> into(pkv_load_begin(s.tree, o.batch));
  if (!into)
    give_up();
  auto end = [&](const std::string &why) {
    pkv_load_end(into.release(), &done); // what is right is loaded
    throw failure(o.file + ":" + std::to_string(lines) + ": " + why +
                  "; the first " + std::to_string(done.pairs) +
                  " lines are loaded");
  };
  for (std::string line; std::getline(in, line);) {
    lines++;
    bytes += line.size() + 1;
    std::size_t tab = line.find('\t');
    auto key = unescaped(std::string_view(line).substr(0, tab));
    auto value = tab == line.npos
                     ? std::optional<std::string>("")
                     : unescaped(std::string_view(line).substr(tab + 1));
    if (o.numbers)
      value = std::to_string(lines);
    if (!key || !value)
      end("a backslash stands before t, n, x and two hexadecimal digits, or "
          "another one");
    if (pkv_load_put(into.get(), as_pkv(*key), as_pkv(*value)))
      end(pkv_errormsg());
    if (lines % 1024 == 0)
      shown.at(bytes, lines);
  }
  if (!in.eof() || (&in == &std::cin && std::ferror(stdin)))
    end(std::strerror(errno));
  if (pkv_load_end(into.release(), &done))
    give_up();
  double seconds = shown.seconds();
  shown.clear();
  std::cout << o.file << ": " << lines << " pairs, " << done.fresh
            << " of them new, in " << seconds << " s ("
            << std::uint64_t(double(lines) / std::max(seconds, 1e-6))
            << " a second)\n";
  return found;
}

/// An object with values; its bytes only who may read it is told.
int show_object(void *store, const char *name) {
  struct pkv_object_stat t;
  pkv_object *each = pkv_object_open(static_cast<pkv *>(store), name, 0, 0);
  if (!each || pkv_object_stat(each, &t))
    return -1;
  std::cout << "object " << name << ": " << t.values << " values, "
            << t.value_bytes << " bytes";
  if (t.error)
    std::cout << "; " << pkv_errormsg();
  else
    std::cout << "; " << t.waiting << " waiting, file " << t.file_bytes
              << ", used " << t.used_bytes << ", free " << t.free_bytes;
  std::cout << '\n';
  return 0;
}

int stats(const options &o) {
  opened s = open_to(o, std::nullopt);
  struct pkv_stat t;
  if (pkv_stat(s.tree, nullptr, &t))
    give_up();
  auto row = [](const char *name, std::uint64_t number) {
    std::cout << std::left << std::setw(13) << name << number << '\n';
  };
  row("pairs", t.pairs);
  row("key bytes", t.key_bytes);
  row("value bytes", t.value_bytes);
  row("leaves", t.leaves);
  row("inner nodes", t.inner_nodes);
  row("height", t.height);
  row("waiting", t.waiting);
  row("file bytes", t.file_bytes);
  row("used bytes", t.used_bytes);
  row("free bytes", t.free_bytes);
  if (pkv_objects(s.store.get(), show_object, s.store.get()))
    give_up();
  return found;
}

int compact(const options &o) {
  opened s = open_to(o, 0);
  struct pkv_stat before, after;
  if (pkv_stat(s.tree, nullptr, &before))
    give_up();
  progress shown(before.pairs);
  struct pkv_compaction at = {};
  int more;
  while ((more = pkv_compact(s.tree, 1000, &at)) == 1)
    shown.at(at.pairs, at.pairs);
  if (more < 0 || pkv_stat(s.tree, nullptr, &after))
    give_up();
  shown.clear();
  std::cout << o.store << ": " << after.leaves << " leaves of " << before.leaves
            << ", " << after.inner_nodes << " inner nodes of "
            << before.inner_nodes << '\n';
  return found;
}

int trees(const options &o) {
  std::unique_ptr<pkv, closer> s = open_store(o, PKV_RDONLY);
  auto show = [](void *store, const char *name) {
    struct pkv_stat t;
    pkv_tree *each = pkv_tree_open(static_cast<pkv *>(store), name, 0);
    if (!each || pkv_stat(each, nullptr, &t))
      return -1;
    std::cout << t.pairs << '\t' << escaped(name) << '\n';
    return 0;
  };
  if (pkv_trees(s.get(), show, s.get()))
    give_up();
  return found;
}

int verify(const options &o) {
  std::unique_ptr<pkv, closer> s = open_store(o, PKV_RDONLY);
  std::string unread; // of objects that are another's
  if (const char *wrong = pkv_check(s.get())) {
    if (errno != EACCES)
      throw failure(o.store + ": " + wrong +
                    "; 'perdure fsck' looks at the object below");
    unread = wrong;
  }
  std::int64_t lost = pkv_lost(s.get());
  if (lost < 0)
    give_up();
  std::cout << o.store << ": sound";
  if (lost)
    std::cout << "; " << lost << " blocks lost, by processes that were killed";
  if (!unread.empty())
    std::cout << "; not all was looked at: " << unread;
  std::cout << '\n';
  return found;
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app("An ordered key-value store in persistent objects.", "pkv");
  app.require_subcommand(1);
  app.footer(
      "Lines are KEY<TAB>VALUE; \\t, \\n, \\\\ and \\xNN stand for what a "
      "line cannot have.\nExit status: 0; 1 when the key is not there; 2 "
      "on errors.\n\n"
      "  pkv load fruit pairs.tsv\n"
      "  pkv get fruit apple\n"
      "  pkv scan fruit --prefix b --limit 10");
  options o;
  int (*run)(const options &) = nullptr;
  auto command = [&](const char *name, const char *what,
                     int (*function)(const options &), bool one_tree = true) {
    CLI::App *sub = app.add_subcommand(name, what);
    sub->add_option("STORE", o.store, "its directory")->required();
    if (one_tree)
      sub->add_option("--tree", o.tree, "the tree of that name");
    sub->callback([&run, function] { run = function; });
    return sub;
  };
  CLI::App *sub = command("get", "prints a key's value", get);
  sub->add_option("KEY", o.key)->required();
  sub = command("put", "gives a key a value", put);
  sub->add_option("KEY", o.key)->required();
  sub->add_option("VALUE", o.value)->required();
  auto *in = sub->add_option("--in", o.object,
                             "the value lies in the object of that name");
  sub->add_option("--mode", o.mode, "of the object's file, if it is made")
      ->needs(in)
      ->capture_default_str();
  sub->add_flag("--durable", o.durable, "survive a power failure");
  sub->add_flag("--shared", o.shared, "others may have it open meanwhile");
  sub = command("del", "removes a key", del);
  sub->add_option("KEY", o.key)->required();
  sub->add_flag("--durable", o.durable, "survive a power failure");
  sub->add_flag("--shared", o.shared, "others may have it open meanwhile");
  sub = command("scan", "prints pairs in order", scan);
  sub->add_option("--from", o.from, "the first key");
  sub->add_option("--to", o.to, "the first that is not printed");
  sub->add_option("--prefix", o.prefix, "only keys that begin so");
  sub->add_option("--limit", o.limit, "so many pairs at most");
  sub->add_flag("--reverse", o.reverse, "the last first");
  command("dump", "prints all pairs, for load", scan);
  sub = command("load", "puts every line of a file", load);
  sub->add_option("FILE", o.file, "or - for the input")->required();
  sub->add_option("--batch", o.batch, "so many in one transaction")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  sub->add_flag("--numbers", o.numbers, "values are the lines' numbers");
  sub->add_flag("--durable", o.durable, "survive a power failure");
  sub->add_flag("--shared", o.shared, "others may have it open meanwhile");
  sub = command("compact", "makes nodes few and full", compact);
  sub->add_flag("--durable", o.durable, "survive a power failure");
  sub->add_flag("--shared", o.shared, "others may have it open meanwhile");
  command("stats", "counts pairs, nodes and bytes", stats);
  command("trees", "prints each tree's number of pairs and name", trees, false);
  command("verify", "looks at everything: is the structure sound?", verify,
          false);
  try {
    app.parse(argc, argv);
    int result = run(o);
    if (!std::cout.flush())
      throw failure("the output cannot be written");
    return result;
  } catch (const CLI::ParseError &e) {
    return app.exit(e) ? failed : found;
  } catch (const failure &e) {
    std::cout.flush();
    std::cerr << "pkv: " << e.what() << '\n';
    return failed;
  }
}
