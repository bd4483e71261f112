// plan.cpp - xBestIndex.
#include "plan.h"

#include <algorithm>
#include <cmath>

namespace {

constexpr int the_rowid = -1;

/// The columns of a path, and behind them those of the rows' order, each once:
/// one that comes again orders nothing.
std::vector<int> columns_of(const schema &s, unsigned path) {
  std::vector<int> columns;
  if (path)
    for (unsigned c : s.indexes[path - 1].columns)
      columns.push_back(int(c));
  for (unsigned c : s.key)
    if (std::find(columns.begin(), columns.end(), int(c)) == columns.end())
      columns.push_back(int(c));
  if (s.has_rowid())
    columns.push_back(the_rowid);
  return columns;
}

/// How many columns of the path its constraints can be on.
std::size_t keys_of(const schema &s, unsigned path) {
  return path            ? s.indexes[path - 1].columns.size()
         : s.has_rowid() ? 1
                         : s.key.size();
}

struct step {
  char letter;
  int constraint;
  int on; // the column
};

struct choice {
  plan way;
  std::vector<step> steps, checks;
  bool ordered = false, one_row = false;
  bool sorts = false; // the module does
  double cost = 0, rows = 0, sorting = 0;
};

class chooser {
  const schema &s;
  double rows;
  bool writes; // the transaction has written
  sqlite3_index_info *info;

  int column_of(int i) const {
    int c = info->aConstraint[i].iColumn;
    return c == s.rowid_column ? the_rowid : c;
  }

  /// SQLite compares by the collation that the constraint says.
  bool has_order_of(int i, int on) const {
    if (on == the_rowid)
      return true;
    static const char *const names[] = {"BINARY", "NOCASE", "RTRIM"};
    const char *by = sqlite3_vtab_collation(info, i);
    return by && !sqlite3_stricmp(by, names[int(s.columns[on].by)]);
  }

  int find(int on, std::initializer_list<unsigned char> ops) const {
    for (int i = 0; i < info->nConstraint; i++) {
      const auto &c = info->aConstraint[i];
      if (c.usable && column_of(i) == on &&
          std::find(ops.begin(), ops.end(), c.op) != ops.end() &&
          has_order_of(i, on))
        return i;
    }
    return -1;
  }

  bool is_in(int i) const { return sqlite3_vtab_in(info, i, -1); }

  /// The step by which the column has one value, or one of a list.
  bool find_equal(int on, bool has_in, step &found) const {
    int in = -1;
    for (int i = 0; i < info->nConstraint; i++) {
      const auto &c = info->aConstraint[i];
      if (!c.usable || column_of(i) != on)
        continue;
      if (c.op == SQLITE_INDEX_CONSTRAINT_ISNULL && on != the_rowid) {
        found = {'0', i, on};
        return true;
      }
      if ((c.op != SQLITE_INDEX_CONSTRAINT_EQ &&
           c.op != SQLITE_INDEX_CONSTRAINT_IS) ||
          !has_order_of(i, on))
        continue;
      if (is_in(i)) {
        in = i;
        continue;
      }
      found = {c.op == SQLITE_INDEX_CONSTRAINT_EQ ? '=' : '~', i, on};
      return true;
    }
    found = {'I', in, on};
    return in >= 0 && !has_in;
  }

  /// Whether what SQLite looks for is just what the keys say, so that it need
  /// not look again. With a column of text, or of no type, that depends on what
  /// a value is compared as, which is known to SQLite alone.
  bool is_exact(int on) const {
    return on == the_rowid || is_numeric(s.columns[on].fits);
  }

  bool order_matches(choice &c, const std::vector<int> &columns) const {
    std::vector<int> constant;
    for (const step &each : c.steps)
      if (each.letter == '=' || each.letter == '~' || each.letter == '0')
        constant.push_back(each.on);
    auto is_constant = [&](int on) {
      return std::find(constant.begin(), constant.end(), on) != constant.end();
    };
    auto counts = [&] {
      for (const step &each : c.steps)
        if ((each.letter == '=' || each.letter == '~') && !is_exact(each.on))
          c.way.counts_on_equal = true;
      return true;
    };
    int distinct = sqlite3_vtab_distinct(info);
    std::size_t at = 0;
    // GROUP BY says 1, also where an ORDER BY of the same columns follows, which
    // SQLite takes for done then.
    if (distinct == 2) {
      // Equal ones only have to be neighbours.
      std::vector<int> wanted;
      for (int i = 0; i < info->nOrderBy; i++) {
        int on = ordered_column(i);
        if (!is_constant(on) &&
            std::find(wanted.begin(), wanted.end(), on) == wanted.end())
          wanted.push_back(on);
      }
      for (std::size_t found = 0; found < wanted.size(); at++) {
        if (at == columns.size())
          return counts(); // the rows' key: each is a group of its own
        if (is_constant(columns[at]))
          continue;
        if (std::find(wanted.begin(), wanted.end(), columns[at]) ==
            wanted.end())
          return false;
        found++;
      }
      return counts();
    }
    bool directed = false;
    for (int i = 0; i < info->nOrderBy; i++) {
      int on = ordered_column(i);
      if (is_constant(on))
        continue;
      while (at < columns.size() && is_constant(columns[at]))
        at++;
      if (at == columns.size())
        break; // no two rows are equal up to here
      if (columns[at] != on ||
          (directed && c.way.descending != bool(info->aOrderBy[i].desc)))
        return false;
      c.way.descending = info->aOrderBy[i].desc;
      directed = true;
      at++;
    }
    return counts();
  }

  /// The columns, as bits of colUsed, that are read from the index itself: its
  /// last bit stands for all columns from there on.
  sqlite3_uint64 in_index(unsigned path) const {
    sqlite3_uint64 found = 0;
    auto add = [&](int column) {
      if (column >= 0 && column < 63)
        found |= sqlite3_uint64(1) << column;
    };
    add(s.rowid_column);
    for (unsigned c : s.indexes[path - 1].columns)
      if (is_numeric(s.columns[c].fits))
        add(int(c));
    return found;
  }

  /// Sorting is done in memory: where there are more rows, or few are wanted,
  /// SQLite does it. So it does in a transaction that has written, where whole
  /// rows would be copied; and for a DISTINCT, which it gets for nothing.
  static constexpr double most_to_sort = 1 << 22, few = 1000;
  bool may_sort(const choice &c) const {
    if (c.way.path || rows > most_to_sort || writes ||
        sqlite3_vtab_distinct(info) == 2)
      return false;
    // What is bound or computed is not known yet.
    double most = -1, passed_over = 0;
    constexpr double unknown = 0;
    for (int i = 0; i < info->nConstraint; i++) {
      const auto &of = info->aConstraint[i];
      if (!of.usable)
        return false; // of a join: it may be asked again and again
      sqlite3_value *value = nullptr;
      bool known = sqlite3_vtab_rhs_value(info, i, &value) == SQLITE_OK;
      if (of.op == SQLITE_INDEX_CONSTRAINT_LIMIT)
        most = known ? sqlite3_value_double(value) : unknown;
      if (of.op == SQLITE_INDEX_CONSTRAINT_OFFSET)
        passed_over = known ? sqlite3_value_double(value) : few;
    }
    if (most >= 0 && most + std::max(passed_over, 0.0) < few)
      return false;
    for (int i = 0; i < info->nOrderBy; i++)
      if (ordered_column(i) >= int(s.columns.size())) // the hidden one
        return false;
    return true;
  }

  int ordered_column(int i) const {
    int on = info->aOrderBy[i].iColumn;
    return on == s.rowid_column ? the_rowid : on;
  }

  /// What the steps leave of the constraints, where the module can tell that a
  /// row does not meet them (cursor::add_check).
  void find_checks(choice &c) const {
    for (int i = 0; i < info->nConstraint; i++) {
      const auto &of = info->aConstraint[i];
      int on = column_of(i);
      if (!of.usable || on >= int(s.columns.size()) || !has_order_of(i, on) ||
          std::any_of(c.steps.begin(), c.steps.end(),
                      [&](const step &each) { return each.constraint == i; }))
        continue;
      char letter;
      switch (of.op) {
      case SQLITE_INDEX_CONSTRAINT_EQ:
        letter = '=';
        break;
      case SQLITE_INDEX_CONSTRAINT_IS:
        letter = '~';
        break;
      case SQLITE_INDEX_CONSTRAINT_GT:
        letter = '>';
        break;
      case SQLITE_INDEX_CONSTRAINT_GE:
        letter = 'g';
        break;
      case SQLITE_INDEX_CONSTRAINT_LT:
        letter = '<';
        break;
      case SQLITE_INDEX_CONSTRAINT_LE:
        letter = 'l';
        break;
      default:
        continue;
      }
      bool equal = letter == '=' || letter == '~';
      if ((!equal && !is_exact(on)) || is_in(i))
        continue;
      c.checks.push_back({letter, i, on});
      c.rows = std::max(1.0, c.rows / (equal ? 4 : 2));
    }
  }

public:
  chooser(const schema &of, double about, bool has_written,
          sqlite3_index_info *for_query)
      : s(of), rows(std::max(about, 1.0)), writes(has_written),
        info(for_query) {}

  choice along(unsigned path) const {
    choice c;
    c.way.path = path;
    std::vector<int> columns = columns_of(s, path);
    std::size_t keys = keys_of(s, path), equal = 0;
    bool has_in = false;
    step found;
    while (equal < keys && find_equal(columns[equal], has_in, found)) {
      has_in = has_in || found.letter == 'I';
      c.steps.push_back(found);
      equal++;
    }
    bool unique = (!path || s.indexes[path - 1].unique) && equal == keys;
    for (const step &each : c.steps)
      unique = unique && each.letter == '=';
    // SQLite looks at one row alone then: not where it passes over some.
    c.one_row = unique;
    for (const step &each : c.steps)
      c.one_row = c.one_row && is_exact(each.on);
    double seeks = has_in ? std::min(10.0, rows) : 1;
    c.rows =
        unique ? 1
        : equal
            ? std::max(1.0, std::min(rows / 4, 11.0 - double(equal)) * seeks)
            : rows;
    if (equal == keys && has_in && (!path || s.indexes[path - 1].unique))
      c.rows = std::min(rows, seeks);
    if (equal < keys) {
      int on = columns[equal];
      int low =
          find(on, {SQLITE_INDEX_CONSTRAINT_GT, SQLITE_INDEX_CONSTRAINT_GE});
      int high =
          find(on, {SQLITE_INDEX_CONSTRAINT_LT, SQLITE_INDEX_CONSTRAINT_LE});
      auto op = [&](int i) { return info->aConstraint[i].op; };
      if (low >= 0)
        c.steps.push_back(
            {op(low) == SQLITE_INDEX_CONSTRAINT_GT ? '>' : 'g', low, on});
      if (high >= 0)
        c.steps.push_back(
            {op(high) == SQLITE_INDEX_CONSTRAINT_LT ? '<' : 'l', high, on});
      if (low >= 0 || high >= 0)
        c.rows = std::max(1.0, c.rows / (low >= 0 && high >= 0 ? 16 : 4));
    }
    double read = c.rows;
    find_checks(c);
    c.ordered = info->nOrderBy && order_matches(c, columns);
    if (!c.ordered)
      c.way.counts_on_equal = c.way.descending = false;
    // A row that is not the next one costs a search.
    double search = std::log2(rows) / 4 + 1;
    bool fetches = path && info->colUsed & ~in_index(path);
    c.cost = seeks * search + read * (fetches ? 1 + search : 1);
    // Of each row of an IN with several columns SQLite makes a constraint, without
    // saying so, and then asks what it costs to leave that to itself: less, or it
    // would walk along the table once for each.
    if (std::any_of(c.checks.begin(), c.checks.end(), [](const step &each) {
          return each.letter == '=' || each.letter == '~';
        }))
      c.cost *= 1.1;
    if (info->nOrderBy && !c.ordered) {
      c.sorts = may_sort(c);
      c.sorting = c.rows * (c.sorts ? 1 : std::log2(c.rows + 1) / 2);
    }
    return c;
  }

  std::string conditions(const std::vector<step> &of) const {
    std::string where;
    for (const step &each : of) {
      where += where.empty() ? "" : " AND ";
      where += each.on == the_rowid ? "rowid" : s.columns[each.on].name;
      switch (each.letter) {
      case '=':
        where += "=?";
        break;
      case '~':
        where += " IS ?";
        break;
      case 'I':
        where += " IN ?";
        break;
      case '0':
        where += " IS NULL";
        break;
      case '>':
      case 'g':
        where += ">?";
        break;
      default:
        where += "<?";
      }
    }
    return where;
  }

  std::string shown(const choice &c) const {
    std::string text;
    if (c.way.path)
      text = s.indexes[c.way.path - 1].name;
    else
      text = s.has_rowid() ? "rowid" : "PRIMARY KEY";
    std::string steps = conditions(c.steps), checks = conditions(c.checks);
    return text + (steps.empty() ? "" : " (" + steps + ")") +
           (checks.empty() ? "" : " WHERE " + checks) +
           (c.sorts                         ? " SORT"
            : !c.ordered                    ? ""
            : c.way.descending              ? " DESC"
                                            : " ORDER");
  }

  int take(const choice &c) const {
    std::string text;
    int values = 0;
    bool exact = true; // behind a step that is not, more may be found
    for (const step &each : c.steps) {
      text += each.letter;
      exact = exact && is_exact(each.on);
      if (each.letter == '0')
        continue;
      if (each.letter == 'I')
        sqlite3_vtab_in(info, each.constraint, 1);
      auto &use = info->aConstraintUsage[each.constraint];
      use.argvIndex = ++values;
      use.omit = exact;
    }
    for (const step &each : c.checks) {
      text += text.find(':') == std::string::npos ? ":" : "";
      text += each.letter;
      text += std::to_string(each.on == the_rowid ? int(s.columns.size())
                                                  : each.on);
      auto &use = info->aConstraintUsage[each.constraint];
      use.argvIndex = ++values;
      use.omit = is_exact(each.on);
    }
    for (int i = 0; c.sorts && i < info->nOrderBy; i++) {
      int on = ordered_column(i);
      text += i ? "" : "/";
      text += std::to_string(on == the_rowid ? int(s.columns.size()) : on);
      text += info->aOrderBy[i].desc ? 'd' : 'a';
    }
    text += " " + shown(c);
    info->idxNum = c.way.number();
    info->idxStr = sqlite3_mprintf("%s", text.c_str());
    if (!info->idxStr)
      return SQLITE_NOMEM;
    info->needToFreeIdxStr = 1;
    info->orderByConsumed = c.ordered || c.sorts;
    info->estimatedCost = c.cost + (c.sorts ? c.sorting : 0);
    info->estimatedRows = sqlite3_int64(c.rows);
    if (c.one_row)
      info->idxFlags |= SQLITE_INDEX_SCAN_UNIQUE;
    return SQLITE_OK;
  }
};

} // namespace

int choose_plan(const schema &s, double rows, bool writes,
                sqlite3_index_info *info) {
  chooser choosing(s, rows, writes, info);
  choice best = choosing.along(0);
  for (unsigned path = 1; path <= s.indexes.size(); path++) {
    choice other = choosing.along(path);
    if (other.cost + other.sorting < best.cost + best.sorting)
      best = other;
  }
  return choosing.take(best);
}
