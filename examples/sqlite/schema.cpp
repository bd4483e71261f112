// schema.cpp - Reads the arguments of CREATE VIRTUAL TABLE ... USING perdure.
#include "schema.h"

#include <algorithm>
#include <cctype>

namespace {

struct token {
  enum { end, word, name, string, number, sign } is = end;
  std::string text;
  std::size_t from = 0, to = 0; // in the argument
};

std::string lower(std::string s) {
  for (char &c : s)
    c = c >= 'A' && c <= 'Z' ? c + 32 : c;
  return s;
}

bool is_letter(char c) {
  return std::isalnum((unsigned char)c) || c == '_' || c == '$' ||
         (unsigned char)c >= 0x80;
}

/// One argument, word by word.
class reader {
  const std::string text;
  token now;

  void quoted_until(char end, std::size_t &at) {
    for (at++; at < text.size(); at++) {
      if (text[at] == end && (end == ']' || text[at + 1] != end))
        break;
      if (text[at] == end)
        at++;
      now.text += text[at];
    }
    at = std::min(at + 1, text.size());
  }

public:
  explicit reader(const char *argument) : text(argument) { next(); }

  const token &here() const { return now; }
  void next() {
    std::size_t at = now.to;
    while (at < text.size() && std::isspace((unsigned char)text[at]))
      at++;
    now = token();
    now.from = at;
    if (at < text.size()) {
      char c = text[at];
      if (c == '"' || c == '`' || c == '[') {
        now.is = token::name;
        quoted_until(c == '[' ? ']' : c, at);
      } else if (c == '\'') {
        now.is = token::string;
        quoted_until(c, at);
      } else if (is_letter(c)) {
        now.is = std::isdigit((unsigned char)c) ? token::number : token::word;
        while (at < text.size() && is_letter(text[at]))
          now.text += text[at++];
      } else {
        now.is = token::sign;
        now.text = text[at++];
      }
    }
    now.to = at;
  }
  bool is(const char *word) const {
    return now.is == token::word && lower(now.text) == word;
  }
  bool is_sign(char c) const {
    return now.is == token::sign && now.text[0] == c;
  }
  bool at_end() const { return now.is == token::end; }
  bool take(const char *word) {
    bool there = is(word);
    if (there)
      next();
    return there;
  }
  bool take_sign(char c) {
    bool there = is_sign(c);
    if (there)
      next();
    return there;
  }
  bool take_name(std::string &name) {
    if (now.is != token::word && now.is != token::name)
      return false;
    name = now.text;
    next();
    return true;
  }
  std::string slice(std::size_t from, std::size_t to) const {
    return text.substr(from, to - from);
  }
  const std::string &whole() const { return text; }
  /// How it looks to who wrote it.
  std::string shown() const {
    return now.is == token::end ? "the end"
                                : "'" + slice(now.from, now.to) + "'";
  }
};

const char *const constraint_words[] = {
    "constraint", "primary", "not",          "null",       "unique",
    "check",      "default", "collate",      "references", "generated",
    "as",         "on",      "autoincrement"};

bool begins_constraint(const reader &r) {
  return std::any_of(std::begin(constraint_words), std::end(constraint_words),
                     [&](const char *word) { return r.is(word); });
}

/// By the rules of SQLite's documentation, section 3.1 of "Datatypes".
affinity affinity_of(const std::string &type) {
  std::string t = lower(type);
  auto has = [&](const char *part) {
    return t.find(part) != std::string::npos;
  };
  if (has("int"))
    return affinity::integer;
  if (has("char") || has("clob") || has("text"))
    return affinity::text;
  if (has("blob") || t.empty())
    return affinity::blob;
  if (has("real") || has("floa") || has("doub"))
    return affinity::real;
  return affinity::numeric;
}

/// The primary key and the unique columns, before all columns are known.
struct wanted {
  std::vector<std::string> primary;
  bool has_primary = false;
  struct index {
    std::string name;
    std::vector<std::string> columns;
    bool unique;
  };
  std::vector<index> indexes;
};

std::string not_kept(const reader &r) {
  return "SQLite keeps no " + r.slice(r.here().from, r.here().to) +
         " for virtual tables: leave it out of '" + r.whole() + "'";
}

std::string parse_column(reader &r, schema &s, wanted &w) {
  column c;
  if (!r.take_name(c.name))
    return "a column begins with its name, not with " + r.shown() + ": '" +
           r.whole() + "'";
  std::size_t from = r.here().from, to = from;
  while ((r.here().is == token::word || r.here().is == token::name) &&
         !begins_constraint(r)) {
    to = r.here().to;
    r.next();
  }
  if (to > from && r.is_sign('(')) {
    while (!r.at_end() && !r.is_sign(')'))
      r.next();
    to = r.here().to;
    if (!r.take_sign(')'))
      return "')' is missing in '" + r.whole() + "'";
  }
  c.type = r.slice(from, to);
  c.fits = affinity_of(c.type);
  while (!r.at_end()) {
    if (r.take("constraint")) {
      std::string name;
      if (!r.take_name(name))
        return "CONSTRAINT wants a name in '" + r.whole() + "'";
    } else if (r.take("primary")) {
      if (!r.take("key"))
        return "PRIMARY wants KEY in '" + r.whole() + "'";
      if (w.has_primary)
        return "the table has more than one PRIMARY KEY";
      w.has_primary = true;
      w.primary = {c.name};
      if (r.is("desc"))
        return "keys are in ascending order, which serves both: leave DESC out "
               "of '" +
               r.whole() + "'";
      r.take("asc");
    } else if (r.take("not")) {
      if (!r.take("null"))
        return "NOT wants NULL in '" + r.whole() + "'";
      c.not_null = true;
    } else if (r.take("null")) {
    } else if (r.take("unique")) {
      w.indexes.push_back({"", {c.name}, true});
    } else if (r.take("collate")) {
      std::string name;
      r.take_name(name);
      if (lower(name) == "binary")
        c.by = collation::binary;
      else if (lower(name) == "nocase")
        c.by = collation::nocase;
      else if (lower(name) == "rtrim")
        c.by = collation::rtrim;
      else
        return "collations are BINARY, NOCASE and RTRIM, not '" + name + "'";
    } else if (begins_constraint(r)) {
      return r.is("on")
                 ? "say OR REPLACE and so on in the statements: leave ON "
                   "CONFLICT out of '" +
                       r.whole() + "'"
                 : not_kept(r);
    } else {
      return "nothing is known of " + r.shown() + " in '" + r.whole() + "'";
    }
  }
  for (const column &other : s.columns)
    if (lower(other.name) == lower(c.name))
      return "two columns are called '" + c.name + "'";
  s.columns.push_back(c);
  return "";
}

std::string parse_list(reader &r, std::vector<std::string> &columns) {
  if (!r.take_sign('('))
    return "columns in parentheses are missing in '" + r.whole() + "'";
  do {
    std::string name;
    if (!r.take_name(name))
      return "a column's name is missing in '" + r.whole() + "'";
    if (r.is("collate") || r.is("desc"))
      return "an index has the order of its columns, which serves both "
             "directions: leave " +
             r.shown() + " out of '" + r.whole() + "'";
    r.take("asc");
    columns.push_back(name);
  } while (r.take_sign(','));
  if (!r.take_sign(')') || !r.at_end())
    return "')' and the end are missing at " + r.shown() + " in '" + r.whole() +
           "'";
  return "";
}

std::string parse_argument(const char *argument, schema &s, wanted &w) {
  reader r(argument);
  if (r.take("primary")) {
    if (!r.take("key"))
      return "PRIMARY wants KEY in '" + r.whole() + "'";
    if (w.has_primary)
      return "the table has more than one PRIMARY KEY";
    w.has_primary = true;
    return parse_list(r, w.primary);
  }
  if (r.is("unique") || r.is("index")) {
    wanted::index index = {"", {}, r.is("unique")};
    r.next();
    if (!r.is_sign('('))
      r.take_name(index.name);
    std::string wrong = parse_list(r, index.columns);
    w.indexes.push_back(index);
    return wrong;
  }
  if (begins_constraint(r))
    return r.is("check") || r.is("foreign")
               ? not_kept(r)
               : "a column begins with its name, not with " + r.shown() +
                     ": '" + r.whole() + "'";
  return parse_column(r, s, w);
}

std::string find_columns(const schema &s, const std::vector<std::string> &names,
                         std::vector<unsigned> &found) {
  for (const std::string &name : names) {
    unsigned at = 0;
    while (at < s.columns.size() && lower(s.columns[at].name) != lower(name))
      at++;
    if (at == s.columns.size())
      return "there is no column '" + name + "'";
    if (std::find(found.begin(), found.end(), at) != found.end())
      return "the column '" + name + "' is there twice in one key";
    found.push_back(at);
  }
  return "";
}

} // namespace

std::string quoted(const std::string &name) {
  std::string q = "\"";
  for (char c : name)
    q.append(c == '"' ? 2 : 1, c);
  return q + "\"";
}

std::string parse_schema(int count, const char *const *arguments, schema &s) {
  const char *usage = "the first argument is the store's path, in quotes: "
                      "perdure('people.pkv', name TEXT, ...)";
  if (count < 1)
    return usage;
  reader first(arguments[0]);
  if (first.here().is != token::string && first.here().is != token::name)
    return usage;
  s.store = first.here().text;
  first.next();
  s.durable = first.take("durable");
  s.shared = first.take("shared");
  if (s.store.empty() || !first.at_end())
    return usage;
  wanted w;
  for (int i = 1; i < count; i++) {
    std::string wrong = parse_argument(arguments[i], s, w);
    if (!wrong.empty())
      return wrong;
  }
  if (s.columns.empty())
    return "the table has no columns";
  std::vector<unsigned> key;
  std::string wrong = find_columns(s, w.primary, key);
  if (!wrong.empty())
    return wrong;
  if (key.size() == 1 && lower(s.columns[key[0]].type) == "integer") {
    s.rowid_column = int(key[0]);
  } else {
    s.key = key;
    for (unsigned each : key)
      s.columns[each].not_null = true;
  }
  for (const wanted::index &each : w.indexes) {
    order o;
    o.unique = each.unique;
    wrong = find_columns(s, each.columns, o.columns);
    if (!wrong.empty())
      return wrong;
    // What the rows' own order does already.
    if (o.unique &&
        (o.columns == s.key ||
         (o.columns.size() == 1 && int(o.columns[0]) == s.rowid_column)))
      continue;
    o.name = each.name;
    if (o.name.empty())
      for (unsigned c : o.columns)
        o.name += (o.name.empty() ? "" : "_") + s.columns[c].name;
    s.indexes.push_back(o);
  }
  return "";
}

namespace {

const char *name_of(collation by) {
  return by == collation::nocase  ? "NOCASE"
         : by == collation::rtrim ? "RTRIM"
                                  : "BINARY";
}

std::string list_of(const schema &s, const std::vector<unsigned> &columns) {
  std::string list = "(";
  for (unsigned each : columns)
    list += (list.size() == 1 ? "" : ", ") + quoted(s.columns[each].name);
  return list + ")";
}

std::string columns_of(const schema &s) {
  std::string text;
  for (const column &c : s.columns) {
    text += (text.empty() ? "" : ", ") + quoted(c.name);
    if (!c.type.empty())
      text += " " + c.type;
    if (c.by != collation::binary)
      text += std::string(" COLLATE ") + name_of(c.by);
    if (c.not_null)
      text += " NOT NULL";
  }
  return text;
}

} // namespace

std::string hidden_name(const schema &s) {
  std::string name = "_key";
  while (std::any_of(s.columns.begin(), s.columns.end(),
                     [&](const column &c) { return lower(c.name) == name; }))
    name = "_" + name;
  return name;
}

std::string declaration(const schema &s) {
  std::string text = "CREATE TABLE x(" + columns_of(s);
  if (s.has_rowid())
    return text + ")";
  return text + ", " + hidden_name(s) +
         " BLOB HIDDEN PRIMARY KEY NOT NULL) WITHOUT ROWID";
}

std::string definition(const schema &s) {
  std::string text = columns_of(s);
  if (s.rowid_column >= 0)
    text += ", PRIMARY KEY" + list_of(s, {unsigned(s.rowid_column)});
  else if (!s.has_rowid())
    text += ", PRIMARY KEY" + list_of(s, s.key);
  for (const order &each : s.indexes)
    text += (each.unique ? ", UNIQUE " : ", INDEX ") + quoted(each.name) +
            list_of(s, each.columns);
  return text;
}
