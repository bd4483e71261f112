// cli.cpp - The command line over kvstore.h, as that of the C program.
#include "kvstore.h"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <unistd.h>
#include <vector>

namespace {

const char usage[] =
    R"(Usage: kvstore [--read] STORE COMMAND      runs one command
       kvstore [--read] STORE < COMMANDS   runs one command a line

  put KEY VALUE          gives the key this value
  get KEY                prints its value
  del KEY                removes it
  scan FROM TO [LIMIT]   prints the pairs with FROM <= key < TO, sorted;
                         '' as FROM or TO leaves that end open
  find VALUE             prints the keys that have this value, in order
  load FILE              puts every line KEY<TAB>VALUE of a file,
    or FILE --dpkg       every record of a dpkg status file by its package,
    or FILE --words      every word of a list with its line number
  same OTHER             opens another store too and compares the two
  check [TIMES]          looks at everything: is the structure sound, are
                         the pairs in order, and as many as are counted?
  stats                  counts pairs, bytes and changes

--read opens the store for reading, whatever the commands. In a file of
commands, blanks separate words, "..." keeps them, and \ quotes a
character. Exit status: 0, 1 when a key is not there or stores differ,
2 on errors.
)";

enum result { ok = 0, no = 1, failed = 2 };
using words = std::vector<std::string>;
using view = std::string_view;

struct program {
  kv::store &store;
  std::string path;
  kv::access access;
};

result complain(const std::string &what, result how = failed) {
  std::cout.flush();
  std::cerr << "kvstore: " << what << '\n';
  return how;
}

/// One line whatever the bytes.
std::string escaped(view text) {
  std::string line;
  for (char c : text)
    if (c == '\n')
      line += "\\n";
    else if (c == '\t')
      line += "\\t";
    else if (c == '\\')
      line += "\\\\";
    else
      line += c;
  return line;
}

bool to_number(const std::string &text, unsigned long &number) {
  char *end;
  errno = 0;
  number = std::strtoul(text.c_str(), &end, 10);
  return !errno && end != text && !*end && text.find('-') == text.npos;
}

void warn(const kv::section &section) {
  if (section.after_death)
    complain("warning: a process died in the middle of a change; see check");
}

// ===- Commands ----------------------------------------------------------===

result put(program &p, const words &w) {
  p.store.put(w[1], w[2]);
  return ok;
}

result get(program &p, const words &w) {
  std::optional<view> value = p.store.get(w[1]);
  if (!value)
    return complain("no key '" + w[1] + "'", no);
  if (!value->data())
    return complain("no right to read the value of '" + w[1] + "'");
  std::cout << *value << '\n';
  return ok;
}

result del(program &p, const words &w) {
  return p.store.erase(w[1]) ? ok : complain("no key '" + w[1] + "'", no);
}

result scan(program &p, const words &w) {
  unsigned long limit = -1ul;
  if (w.size() > 3 && !to_number(w[3], limit))
    return complain("scan: '" + w[3] + "' is not a number");
  p.store.scan(w[1], [&](view key, view value) {
    if (!limit-- || (!w[2].empty() && key >= w[2]))
      return false;
    std::cout << escaped(key) << '\t'
              << (value.data() ? escaped(value) : "(no right to read it)")
              << '\n';
    return true;
  });
  return ok;
}

result find(program &p, const words &w) {
  p.store.find(w[1], [](view key) { std::cout << escaped(key) << '\n'; });
  return ok;
}

result stats(program &p, const words &) {
  kv::stats s = p.store.measure();
  std::cout << "pairs        " << s.pairs << "\nkey bytes    " << s.key_bytes
            << "\nvalue bytes  " << s.value_bytes << "\nheight       "
            << s.height << "\nchanges      " << s.changes << "\nthis time at "
            << s.at << '\n';
  return ok;
}

result same(program &p, const words &w) {
  std::optional<kv::store> opened;
  try {
    opened.emplace(w[1], kv::access::read);
  } catch (const kv::error &e) {
    return complain(w[1] + ": " + e.what());
  }
  kv::store &other = *opened;
  kv::section section(other, kv::access::read);
  warn(section);
  std::vector<std::pair<view, view>> pairs; // no copies: both are open
  other.scan("", [&](view key, view value) {
    pairs.emplace_back(key, value);
    return true;
  });
  std::size_t at = 0;
  std::optional<view> differs, hidden;
  p.store.scan("", [&](view key, view value) {
    if (at == pairs.size() || key != pairs[at].first)
      differs = at == pairs.size() ? key : std::min(key, pairs[at].first);
    else if (!value.data() || !pairs[at].second.data())
      hidden = key;
    else if (value != pairs[at].second)
      differs = key;
    at++;
    return !differs && !hidden;
  });
  if (!differs && !hidden && at < pairs.size())
    differs = pairs[at].first;
  if (hidden)
    return complain("no right to read the value of '" + escaped(*hidden) + "'");
  if (differs) {
    std::cout << "differ, first at key " << escaped(*differs) << '\n';
    return no;
  }
  std::cout << "same: " << at << " pairs, " << p.path << " at "
            << p.store.measure().at << ", " << w[1] << " at "
            << other.measure().at << '\n';
  return ok;
}

result check(program &p, const words &w) {
  unsigned long times = 1;
  if (w.size() > 1 && !to_number(w[1], times))
    return complain("check: '" + w[1] + "' is not a number");
  std::size_t states = 0, changes = 0;
  for (unsigned long i = 1; i <= times; i++) {
    kv::section section(p.store, kv::access::read);
    warn(section);
    std::string where = "check " + std::to_string(i) + ": ";
    if (const char *what = p.store.check())
      return complain(where + what);
    kv::stats counted = p.store.measure(), seen;
    std::optional<view> before;
    bool in_order = true;
    p.store.scan("", [&](view key, view value) {
      in_order = !before || *before < key;
      before = key;
      seen.pairs++;
      seen.key_bytes += key.size();
      seen.value_bytes += value.size();
      return in_order;
    });
    if (!in_order)
      return complain(where + "keys are out of order");
    if (seen.pairs != counted.pairs || seen.key_bytes != counted.key_bytes ||
        seen.value_bytes != counted.value_bytes)
      return complain(where + "the counts are not those of the pairs");
    states += i == 1 || counted.changes != changes;
    changes = counted.changes;
  }
  std::cout << "whole: looked " << times << " times, saw " << states
            << " different states\n";
  return ok;
}

// ===- load --------------------------------------------------------------===

class loader {
  program &p;
  std::string path;
  std::ifstream file;
  std::size_t line_number = 0, pairs = 0, added = 0;

  bool next_line(std::string &line) {
    line_number++;
    return bool(std::getline(file, line));
  }

  [[noreturn]] void fail(const std::string &what) {
    throw kv::error(path + ", line " + std::to_string(line_number) + ": " +
                    what);
  }

  void put(view key, view value) {
    kv::section section(p.store, kv::access::write);
    warn(section);
    added += p.store.put(key, value);
    pairs++;
  }

  void lines(bool are_words) {
    for (std::string line; next_line(line);) {
      std::size_t tab = line.find('\t');
      if (line.empty())
        continue;
      if (are_words)
        put(line, std::to_string(line_number));
      else if (tab == line.npos)
        fail("no tab between key and value");
      else
        put(view(line).substr(0, tab), view(line).substr(tab + 1));
    }
  }

  /// Records are separated by empty lines; one line of each names its package.
  void dpkg() {
    std::string line, record, name;
    for (bool more = true; more;) {
      more = next_line(line);
      if (more && !line.empty()) {
        if (line.size() > 9 && !strncasecmp(line.c_str(), "Package: ", 9))
          name = line.substr(9);
        record += (record.empty() ? "" : "\n") + line;
        continue;
      }
      if (record.empty())
        continue;
      if (name.empty())
        fail("a record without 'Package:'");
      put(name, record);
      record.clear();
      name.clear();
    }
  }

public:
  loader(program &in, const std::string &from)
      : p(in), path(from), file(from, std::ios::binary) {
    // Folders can be opened, but not read.
    if (file)
      file.peek();
    if (file.bad() || !file.is_open())
      throw kv::error(path + ": " + std::strerror(errno));
  }

  void run(const std::string &format) {
    using clock = std::chrono::steady_clock;
    auto start = clock::now();
    if (format == "--dpkg")
      dpkg();
    else
      lines(format == "--words");
    if (file.bad())
      throw kv::error(path + ": " + std::strerror(errno));
    double took = std::chrono::duration<double>(clock::now() - start).count();
    std::cout << path << ": " << pairs << " pairs, " << added
              << " of them new, in " << std::fixed << std::setprecision(3)
              << took << " s (" << std::setprecision(0)
              << double(pairs) / std::max(took, 1e-9) << " a second)\n";
  }
};

result load(program &p, const words &w) {
  if (w.size() > 2 && w[2] != "--dpkg" && w[2] != "--words")
    return complain("load: no format '" + w[2] +
                    "'; there are --dpkg and --words");
  loader(p, w[1]).run(w.size() > 2 ? w[2] : "");
  return ok;
}

// ===- Which command -----------------------------------------------------===

struct command {
  view name;
  std::size_t least, most;
  kv::access access;
  bool long_run; // begins and ends sections by itself, again and again
  result (*run)(program &, const words &);
};

constexpr kv::access reads = kv::access::read, writes = kv::access::write;

const command commands[] = {
    {"put", 2, 2, writes, false, put},    {"get", 1, 1, reads, false, get},
    {"del", 1, 1, writes, false, del},    {"scan", 2, 3, reads, false, scan},
    {"find", 1, 1, reads, false, find},   {"load", 1, 2, writes, true, load},
    {"same", 1, 1, reads, false, same},   {"check", 0, 1, reads, true, check},
    {"stats", 0, 0, reads, false, stats},
};
constexpr std::size_t max_words = 4;

const command *find_command(const words &w) {
  for (const command &c : commands) {
    if (w[0] != c.name)
      continue;
    if (w.size() > c.least && w.size() <= c.most + 1)
      return &c;
    complain(w[0] + ": " +
             (w.size() <= c.least ? "something is missing" : "too many words") +
             "; see kvstore --help");
    return nullptr;
  }
  complain("no command '" + w[0] + "'; see kvstore --help");
  return nullptr;
}

/// False: too many words, or no closing quote.
bool split_words(view line, words &w) {
  w.clear();
  for (std::size_t i = 0;;) {
    i = std::min(line.find_first_not_of(" \t", i), line.size());
    if (i == line.size() || line[i] == '#')
      return true;
    if (w.size() == max_words)
      return false;
    w.emplace_back();
    bool quoted = false;
    for (; i < line.size(); i++) {
      char c = line[i];
      if (!quoted && (c == ' ' || c == '\t'))
        break;
      if (c == '"')
        quoted = !quoted;
      else
        w.back() += c == '\\' && i + 1 < line.size() ? line[++i] : c;
    }
    if (quoted)
      return false;
  }
}

result run(program &p, const command &c, const words &w) {
  if (c.access == writes && p.access == reads)
    return complain(w[0] + ": the store is open for reading");
  try {
    if (c.long_run)
      return c.run(p, w);
    kv::section section(p.store, c.access);
    warn(section);
    return c.run(p, w);
  } catch (const std::exception &e) {
    return complain((c.long_run ? "" : w[0] + ": ") + e.what());
  }
}

result run_lines(program &p) {
  result worst = ok;
  std::size_t number = 0;
  bool asks = isatty(STDIN_FILENO);
  std::string line;
  words w;
  while ((!asks || std::cout << "> " << std::flush) &&
         std::getline(std::cin, line)) {
    number++;
    result got = failed;
    if (!split_words(line, w))
      complain("line " + std::to_string(number) +
               ": too many words, or no closing quote");
    else if (w.empty())
      continue;
    else if (const command *c = find_command(w))
      got = run(p, *c, w);
    worst = std::max(worst, got);
  }
  return worst;
}

} // namespace

int main(int argc, char **argv) {
  words w(argv + 1, argv + argc);
  if (!w.empty() && w[0] == "--help") {
    std::cout << usage;
    return ok;
  }
  bool only_read = !w.empty() && w[0] == "--read";
  if (only_read)
    w.erase(w.begin());
  if (w.empty() || w.size() > 1 + max_words) {
    std::cerr << usage;
    return failed;
  }
  std::string path = w[0];
  w.erase(w.begin());
  const command *c = nullptr;
  if (!w.empty() && !(c = find_command(w)))
    return failed;
  std::ios::sync_with_stdio(false);
  kv::access how = only_read ? reads : c ? c->access : writes;
  int status;
  try {
    kv::store store(path, how);
    program p{store, path, how};
    status = c ? run(p, *c, w) : run_lines(p);
  } catch (const std::exception &e) {
    return complain(path + ": " + e.what());
  }
  if (!std::cout.flush())
    return complain(std::string("standard output: ") + std::strerror(errno));
  return status;
}
