// sqlite_random.cpp - Random statements on virtual tables, beside native ones.
//
// sqlite_random STORE SEED STATEMENTS
//
// Two databases in memory have the same tables, in one of them native, in the
// other in a store. Each statement runs in both: the codes, the rows with their
// types and bytes, what was changed and last_insert_rowid have to be the same.
// The second is closed and opened again now and then, and the store is looked
// at.
#include "pkv.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <sqlite3.h>
#include <string>
#include <vector>

extern "C" int sqlite3_perduresqlite_init(sqlite3 *, char **, const void *);

namespace {

std::mt19937_64 Random;
unsigned below(unsigned N) { return unsigned(Random() % N); }
bool oneIn(unsigned N) { return below(N) == 0; }

template <class T> const T &any(const std::vector<T> &Of) {
  return Of[below(unsigned(Of.size()))];
}

// ===- Values -----------------------------------------------------------===

struct value {
  int Type = SQLITE_NULL;
  sqlite3_int64 I = 0;
  double R = 0;
  std::string B;

  static value of(sqlite3_int64 I) {
    value V;
    V.Type = SQLITE_INTEGER;
    V.I = I;
    return V;
  }
  static value of(double R) {
    value V;
    V.Type = SQLITE_FLOAT;
    V.R = R;
    return V;
  }
  static value text(std::string B, int Type = SQLITE_TEXT) {
    value V;
    V.Type = Type;
    V.B = std::move(B);
    return V;
  }
  std::string shown() const {
    char Room[64];
    switch (Type) {
    case SQLITE_INTEGER:
      return std::to_string(I);
    case SQLITE_FLOAT:
      std::snprintf(Room, sizeof(Room), "%a", R);
      return Room;
    case SQLITE_NULL:
      return "NULL";
    }
    std::string S = Type == SQLITE_TEXT ? "'" : "x'";
    for (unsigned char C : B) {
      if (Type == SQLITE_TEXT && C >= ' ' && C < 127) {
        S += char(C);
      } else {
        std::snprintf(Room, sizeof(Room), "%%%02x", C);
        S += Room;
      }
    }
    return S + "'";
  }
};

const double Two53 = 9007199254740992.0, Two63 = 9223372036854775808.0;

value number() {
  static const sqlite3_int64 Integers[] = {9007199254740991,
                                           9007199254740992,
                                           9007199254740993,
                                           9007199254740994,
                                           -9007199254740993,
                                           INT64_MAX,
                                           INT64_MAX - 1,
                                           INT64_MIN,
                                           INT64_MIN + 1,
                                           INT64_MAX - 511,
                                           INT64_MAX - 512,
                                           INT64_MAX - 513,
                                           INT32_MAX,
                                           256,
                                           -129};
  static const double Reals[] = {0.0,
                                 -0.0,
                                 0.5,
                                 -0.5,
                                 1.5,
                                 5.0,
                                 Two53,
                                 Two53 + 2,
                                 -Two53,
                                 -Two53 - 2,
                                 Two63,
                                 -Two63,
                                 9223372036854774784.0,
                                 1e300,
                                 -1e300,
                                 5e-324,
                                 HUGE_VAL,
                                 -HUGE_VAL,
                                 1e15,
                                 123456789.25};
  switch (below(8)) {
  case 0:
    return value::of(Integers[below(sizeof(Integers) / sizeof(*Integers))]);
  case 1:
  case 2:
    return value::of(Reals[below(sizeof(Reals) / sizeof(*Reals))]);
  case 3:
    return value::of(double(below(12)) - 2);
  default:
    return value::of(sqlite3_int64(below(40)) - 8);
  }
}

value text(int Type = SQLITE_TEXT) {
  using namespace std::string_literals;
  static const std::vector<std::string> Texts = {"",
                                                 " ",
                                                 "a",
                                                 "A",
                                                 "b",
                                                 "B",
                                                 "ab",
                                                 "aB",
                                                 "AB",
                                                 "a ",
                                                 "a  ",
                                                 "A ",
                                                 "b  ",
                                                 "abc",
                                                 "abd",
                                                 "a\0"s,
                                                 "a\0b"s,
                                                 "A\0c"s,
                                                 "a\0bc"s,
                                                 "\0"s,
                                                 "\0\0"s,
                                                 "a\0 "s,
                                                 "a\1",
                                                 "\xff",
                                                 "\xff\xff",
                                                 "\xc3\xa9",
                                                 "\xc3",
                                                 "z\x80",
                                                 "5",
                                                 "5.0",
                                                 "05",
                                                 " 5",
                                                 "5 ",
                                                 "+5",
                                                 "-8",
                                                 "1e2",
                                                 "0x10",
                                                 ".5",
                                                 "1.5",
                                                 "5x",
                                                 "-0.0",
                                                 "9e999",
                                                 "9007199254740993",
                                                 "9007199254740993.0",
                                                 "9223372036854775807",
                                                 "9223372036854775808",
                                                 "-9223372036854775809",
                                                 "inf",
                                                 "nan"};
  if (oneIn(20))
    return value::text(std::string(100 + below(50), oneIn(2) ? 'a' : 'A') +
                           char('a' + below(3)),
                       Type);
  if (oneIn(3))
    return value::text(std::string(1, char("abAB"[below(4)])) +
                           char("cdCD \0"[below(6)]) +
                           (oneIn(2) ? "" : std::to_string(below(10))),
                       Type);
  return value::text(any(Texts), Type);
}

value anything() {
  switch (below(10)) {
  case 0:
    return value();
  case 1:
    return text(SQLITE_BLOB);
  case 2:
  case 3:
  case 4:
    return text();
  default:
    return number();
  }
}

// ===- Databases --------------------------------------------------------===

struct outcome {
  int Code = 0;
  std::string Message;
  int Changes = 0;
  sqlite3_int64 Last = 0;
  std::vector<std::vector<std::string>> Rows;
};

std::string At; // the statement, for messages

[[noreturn]] void stop(const std::string &Why) {
  std::fprintf(stderr, "sqlite_random: %s\n  %s\n", Why.c_str(), At.c_str());
  std::exit(1);
}

outcome run(sqlite3 *Db, const std::string &Sql,
            const std::vector<value> &Values) {
  outcome O;
  sqlite3_stmt *S = nullptr;
  O.Code = sqlite3_prepare_v2(Db, Sql.c_str(), -1, &S, nullptr);
  if (O.Code)
    stop(std::string("prepare: ") + sqlite3_errmsg(Db));
  for (unsigned I = 0; I < Values.size(); I++) {
    const value &V = Values[I];
    int At = int(I) + 1;
    switch (V.Type) {
    case SQLITE_INTEGER:
      sqlite3_bind_int64(S, At, V.I);
      break;
    case SQLITE_FLOAT:
      sqlite3_bind_double(S, At, V.R);
      break;
    case SQLITE_TEXT:
      sqlite3_bind_text(S, At, V.B.data(), int(V.B.size()), SQLITE_STATIC);
      break;
    case SQLITE_BLOB:
      sqlite3_bind_blob(S, At, V.B.data(), int(V.B.size()), SQLITE_STATIC);
      break;
    }
  }
  while ((O.Code = sqlite3_step(S)) == SQLITE_ROW) {
    std::vector<std::string> Row;
    for (int I = 0; I < sqlite3_column_count(S); I++) {
      value V;
      V.Type = sqlite3_column_type(S, I);
      if (V.Type == SQLITE_INTEGER)
        V.I = sqlite3_column_int64(S, I);
      else if (V.Type == SQLITE_FLOAT)
        V.R = sqlite3_column_double(S, I);
      else if (auto *B = static_cast<const char *>(sqlite3_column_blob(S, I)))
        V.B.assign(B, std::size_t(sqlite3_column_bytes(S, I)));
      Row.push_back(V.shown());
    }
    O.Rows.push_back(Row);
  }
  if (O.Code != SQLITE_DONE)
    O.Message = sqlite3_errmsg(Db);
  sqlite3_finalize(S);
  O.Changes = sqlite3_changes(Db);
  O.Last = sqlite3_last_insert_rowid(Db);
  return O;
}

sqlite3 *Native, *Virtual;
std::string Store;
unsigned long Compared, Answered, Refused;

std::string joined(const std::vector<std::string> &Row) {
  std::string S;
  for (const std::string &Each : Row)
    S += Each + " | ";
  return S;
}

std::string shown(const outcome &O) {
  std::string S = "\n    code " + std::to_string(O.Code) + " " + O.Message +
                  ", changes " + std::to_string(O.Changes) + ", last " +
                  std::to_string(O.Last);
  return S + ", rows " + std::to_string(O.Rows.size());
}

/// `Ordered`: so many columns of the rows are in an order that is known;
/// whether the others come as well may depend on LIMIT.
void both(const std::string &Sql, const std::vector<value> &Values = {},
          unsigned Ordered = 0, bool Limited = false) {
  At = Sql + "   --";
  for (const value &V : Values)
    At += " " + V.shown();
  if (std::getenv("SQLITE_RANDOM_TRACE"))
    std::fprintf(stderr, "%s\n", At.c_str());
  outcome N = run(Native, Sql, Values), V = run(Virtual, Sql, Values);
  if (std::getenv("SQLITE_RANDOM_TRACE"))
    std::fprintf(stderr, "    %d %s; %d %s\n", N.Code, N.Message.c_str(),
                 V.Code, V.Message.c_str());
  Compared++;
  Answered += N.Rows.size();
  Refused += N.Code != SQLITE_DONE;
  bool Same = (N.Code & 0xff) == (V.Code & 0xff) && N.Changes == V.Changes &&
              N.Last == V.Last && N.Rows.size() == V.Rows.size() &&
              sqlite3_get_autocommit(Native) == sqlite3_get_autocommit(Virtual);
  for (std::size_t I = 0; Same && I < N.Rows.size(); I++)
    for (unsigned C = 0; C < Ordered; C++)
      Same = Same && N.Rows[I][C] == V.Rows[I][C];
  if (Same && !Limited) {
    std::sort(N.Rows.begin(), N.Rows.end());
    std::sort(V.Rows.begin(), V.Rows.end());
    Same = N.Rows == V.Rows;
  }
  const char *Ask = std::getenv("SQLITE_RANDOM_ASK");
  if (!Same && Ask)
    for (sqlite3 *Db : {Native, Virtual})
      for (const auto &Row : run(Db, Ask, {}).Rows)
        std::fprintf(stderr, "%s: %s\n", Db == Native ? "native" : "virtual",
                     joined(Row).c_str());
  if (!Same) {
    std::string Rows;
    std::sort(N.Rows.begin(), N.Rows.end());
    std::sort(V.Rows.begin(), V.Rows.end());
    std::vector<std::vector<std::string>> Only;
    std::set_difference(N.Rows.begin(), N.Rows.end(), V.Rows.begin(),
                        V.Rows.end(), std::back_inserter(Only));
    for (const auto &Row : Only)
      Rows += "\n  only native:  " + joined(Row);
    Only.clear();
    std::set_difference(V.Rows.begin(), V.Rows.end(), N.Rows.begin(),
                        N.Rows.end(), std::back_inserter(Only));
    for (const auto &Row : Only)
      Rows += "\n  only virtual: " + joined(Row);
    stop("native:" + shown(N) + "\n  virtual:" + shown(V) + Rows);
  }
}

// ===- Tables -----------------------------------------------------------===

struct field {
  std::string Name, Type;
  bool Plain;       // equal values are the same
  unsigned Few = 0; // mostly integers less than this
};

struct table {
  std::string Name;
  std::vector<field> Fields;
  std::string Native, NativeEnd;    // behind the columns
  std::vector<std::string> Indexes; // of columns
  std::string Uniques;              // arguments of the module
  std::string Key;                  // what tells rows apart
  bool HasRowid;
  std::vector<std::string> UniqueFields;
};

const std::vector<table> Tables = {
    {"t1",
     {{"a", "INTEGER", true},
      {"b", "TEXT", true},
      {"c", "", false},
      {"d", "REAL", true},
      {"e", "NUMERIC", false}},
     ", UNIQUE(d, e)",
     ")",
     {"a", "b, c", "c, a", "e, b"},
     ", UNIQUE(d, e)",
     "rowid",
     true,
     {"d", "e"}},
    {"t2",
     {{"id", "INTEGER PRIMARY KEY", true},
      {"name", "TEXT NOT NULL COLLATE NOCASE UNIQUE", false},
      {"x", "NUMERIC", false},
      {"y", "BLOB", false},
      {"z", "VARCHAR(9) COLLATE RTRIM", false}},
     "",
     ")",
     {"x, name", "z, y", "y, id"},
     "",
     "id",
     true,
     {"id", "name"}},
    {"t3",
     {{"k", "TEXT COLLATE NOCASE", false},
      {"n", "INTEGER", true, 5},
      {"v", "", false},
      {"w", "DOUBLE NOT NULL", true}},
     ", PRIMARY KEY(k, n), UNIQUE(v)",
     ") WITHOUT ROWID",
     {"w", "v, w", "n, w", "k, w"},
     ", PRIMARY KEY(k, n), UNIQUE(v)",
     "k, n",
     false,
     {"k", "n", "v"}},
    {"t4",
     {{"k", "PRIMARY KEY", false},
      {"v", "INT", true},
      {"s", "TEXT COLLATE RTRIM", false}},
     "",
     ") WITHOUT ROWID",
     {"s", "v, s"},
     "",
     "k",
     false,
     {"k"}},
    // Many rows of equal values; indexes share columns with the key.
    {"t5",
     {{"k", "INT", true, 3},
      {"n", "INT", true, 9},
      {"c", "INT", true, 2},
      {"s", "TEXT COLLATE NOCASE", false, 3}},
     ", PRIMARY KEY(k, n)",
     ") WITHOUT ROWID",
     {"c, k", "n, c", "s, n"},
     ", PRIMARY KEY(k, n)",
     "k, n",
     false,
     {"k", "n"}},
    // Without indexes: what the module finds it finds row by row.
    {"t6",
     {{"a", "INTEGER", true},
      {"b", "TEXT", true},
      {"c", "", false},
      {"d", "REAL", true},
      {"e", "NUMERIC", false},
      {"f", "TEXT COLLATE NOCASE", false},
      {"g", "COLLATE RTRIM", false},
      {"i", "DECIMAL COLLATE NOCASE", false}},
     "",
     ")",
     {},
     "",
     "rowid",
     true,
     {}},
};

void make(sqlite3 *Db, const std::string &Sql) {
  At = Sql;
  char *Message = nullptr;
  if (sqlite3_exec(Db, Sql.c_str(), nullptr, nullptr, &Message))
    stop(Message);
}

std::string fields_of(const table &T) {
  std::string S;
  for (const field &F : T.Fields)
    S += (S.empty() ? "" : ", ") + F.Name + " " + F.Type;
  return S;
}

void make_native(const table &T) {
  make(Native,
       "CREATE TABLE " + T.Name + "(" + fields_of(T) + T.Native + T.NativeEnd);
  for (unsigned I = 0; I < T.Indexes.size(); I++)
    make(Native, "CREATE INDEX " + T.Name + "_" + std::to_string(I) + " ON " +
                     T.Name + "(" + T.Indexes[I] + ")");
}

void make_virtual(const table &T) {
  std::string Sql = "CREATE VIRTUAL TABLE " + T.Name + " USING perdure('" +
                    Store + "', " + fields_of(T) + T.Uniques;
  for (const std::string &I : T.Indexes)
    Sql += ", INDEX(" + I + ")";
  make(Virtual, Sql + ")");
}

/// Without Bloom filters, with which SQLite 3.40 misses rows that are equal
/// only by a collation or an affinity.
void without_filters(sqlite3 *Db) {
  constexpr int BloomFilter = 0x80000;
  sqlite3_test_control(SQLITE_TESTCTRL_OPTIMIZATIONS, Db, BloomFilter);
}

/// A native table beside them, for joins.
void make_other(sqlite3 *Db) {
  make(Db, "CREATE TABLE h(i INTEGER, t TEXT, o, c TEXT COLLATE NOCASE)");
}

void open_virtual() {
  if (sqlite3_open(":memory:", &Virtual))
    stop("open");
  char *Message = nullptr;
  if (sqlite3_perduresqlite_init(Virtual, &Message, nullptr) & 0xff &
      ~SQLITE_OK_LOAD_PERMANENTLY)
    stop("init");
  for (const table &T : Tables)
    make_virtual(T);
  make_other(Virtual);
  without_filters(Virtual);
}

// ===- Statements -------------------------------------------------------===

std::vector<value> Bound;

/// A parameter, or the value in the statement's text.
std::string use(const value &V) {
  if (V.Type == SQLITE_INTEGER && oneIn(3) && V.I != INT64_MIN)
    return std::to_string(V.I);
  if (V.Type == SQLITE_TEXT && oneIn(3) &&
      V.B.find_first_of(std::string("'\0", 2)) == std::string::npos)
    return "'" + V.B + "'";
  Bound.push_back(V);
  return "?" + std::to_string(Bound.size());
}

const field &any_field(const table &T) { return any(T.Fields); }

std::string column(const table &T) {
  return T.HasRowid && oneIn(6) ? "rowid" : any_field(T).Name;
}

std::string condition(const table &T, const std::string &Of = "") {
  std::string C = Of + column(T);
  static const std::vector<std::string> Compare = {
      "=", "=", "=", "<", "<=", ">", ">=", "IS", "<>"};
  switch (below(14)) {
  case 0:
    return C + " IS NULL";
  case 1:
    return C + " IS NOT NULL";
  case 2:
  case 3: {
    std::string List;
    for (unsigned N = 1 + below(4); N; N--)
      List += (List.empty() ? "" : ", ") + use(anything());
    return C + " IN (" + List + ")";
  }
  case 4:
    return C + " IN (SELECT " +
           std::string(any<std::string>({"i", "t", "o", "c"})) + " FROM h)";
  case 5: {
    std::string From = use(anything());
    return C + " BETWEEN " + From + " AND " + use(anything());
  }
  case 6:
    return C + " LIKE " +
           use(value::text(
               any<std::string>({"a%", "A%", "ab%", "%b", "5%", "a_", ""})));
  case 7:
    return C + " GLOB " +
           use(value::text(
               any<std::string>({"a*", "A*", "ab*", "5*", "[ab]*"})));
  case 8: {
    std::string D = Of + column(T), Low = use(anything());
    return "(" + C + ", " + D + ") " +
           any<std::string>({"<", ">=", ">", "=", "<="}) + " (" + Low + ", " +
           use(anything()) + ")";
  }
  case 9:
    return C + " = " + use(anything()) + " AND " + Of + column(T) +
           any<std::string>({" > ", " < ", " = ", " >= "}) + use(anything());
  case 10:
    return C + " COLLATE NOCASE " + any<std::string>({"=", "<", ">"}) + " " +
           use(text());
  default:
    return C + " " + any(Compare) + " " + use(anything());
  }
}

std::string where(const table &T, const std::string &Of = "") {
  std::string S = condition(T, Of);
  while (oneIn(3)) {
    std::string C = condition(T, Of);
    // c COLLATE NOCASE = 'A' OR c = 'b' SQLite 3.40 takes for c IN ('A', 'b').
    bool Or = oneIn(3) && (S + C).find("NOCASE =") == std::string::npos;
    S = "(" + S + ") " + (Or ? "OR" : "AND") + " (" + C + ")";
  }
  return S;
}

/// One row, or none.
std::string where_key(const table &T) {
  outcome O = run(Native, "SELECT " + T.Key + " FROM " + T.Name, {});
  // The texts of what is shown are no values: the row is looked for by its
  // place.
  if (O.Rows.empty() || T.Key.find(',') != std::string::npos || oneIn(10))
    return T.Key.find(',') != std::string::npos
               ? "k = " + use(text()) + " AND n = " + use(number())
               : T.Key + " = " +
                     use(T.HasRowid ? value::of(sqlite3_int64(below(60)))
                                    : anything());
  if (T.HasRowid)
    return T.Key + " = " +
           use(value::of(sqlite3_int64(std::atoll(any(O.Rows)[0].c_str()))));
  return T.Key + " = " + use(anything());
}

value value_for(const field &F) {
  if (F.Name == "id")
    return oneIn(15)  ? anything()
           : oneIn(3) ? value()
                      : value::of(sqlite3_int64(below(90)) - 5);
  if (F.Type.find("NOT NULL") != std::string::npos)
    for (;;)
      if (value V = anything(); V.Type != SQLITE_NULL || oneIn(8))
        return V;
  if (F.Few && !oneIn(8))
    return value::of(sqlite3_int64(below(F.Few)));
  return anything();
}

/// Behind the greatest rowid come random ones; and the least SQLite does not
/// find by the real that equals it.
bool is_far_rowid(const value &V) {
  double R = V.Type == SQLITE_INTEGER ? double(V.I)
             : V.Type == SQLITE_FLOAT ? V.R
             : V.Type == SQLITE_TEXT  ? std::atof(V.B.c_str())
                                      : 0;
  return std::fabs(R) > 1000000;
}

std::string conflict() {
  return any<std::string>({"", "", "", " OR REPLACE", " OR REPLACE",
                           " OR IGNORE", " OR FAIL", " OR ABORT",
                           " OR ROLLBACK"});
}

void insert(const table &T) {
  Bound.clear();
  std::string Names, Rows;
  std::vector<bool> Given;
  bool Rowid = T.Key == "rowid" && oneIn(4);
  if (Rowid)
    Names = "rowid";
  for (const field &F : T.Fields) {
    Given.push_back(!oneIn(8) || !T.HasRowid);
    if (Given.back())
      Names += (Names.empty() ? "" : ", ") + F.Name;
  }
  if (Names.empty())
    return;
  bool Many = oneIn(4);
  for (unsigned N = Many ? 1 + below(5) : 1; N; N--) {
    std::string Row;
    if (Rowid)
      Row = use(oneIn(9) ? value() : value::of(sqlite3_int64(below(99)) - 9));
    for (unsigned I = 0; I < T.Fields.size(); I++)
      if (Given[I]) {
        value V = value_for(T.Fields[I]);
        // A rowid that is no integer, in the second row, undoes the first or
        // not by whether SQLite has prepared for that.
        if (T.Fields[I].Name == "id" &&
            (is_far_rowid(V) ||
             (Many && V.Type != SQLITE_INTEGER && V.Type != SQLITE_NULL)))
          V = value();
        Row += (Row.empty() ? "" : ", ") + use(V);
      }
    Rows += (Rows.empty() ? "(" : ", (") + Row + ")";
  }
  both("INSERT" + conflict() + " INTO " + T.Name + "(" + Names + ") VALUES " +
           Rows,
       Bound);
}

bool is_unique(const table &T, const std::string &Name) {
  return std::count(T.UniqueFields.begin(), T.UniqueFields.end(), Name);
}

void update(const table &T) {
  Bound.clear();
  // The order in which rows are changed is not said; with one it does not
  // matter.
  bool One = oneIn(2);
  std::string Sets;
  for (const field &F : T.Fields) {
    if (!oneIn(One ? 2 : 4))
      continue;
    if (!One && (F.Name == "id" || is_unique(T, F.Name)))
      continue;
    value V = value_for(F);
    if (F.Name == "id" && (is_far_rowid(V) || V.Type == SQLITE_NULL))
      continue;
    Sets += (Sets.empty() ? "" : ", ") + F.Name + " = " +
            (oneIn(4) && F.Name != "id" ? any_field(T).Name : use(V));
  }
  if (One && T.Key == "rowid" && oneIn(5))
    Sets += (Sets.empty() ? "" : ", ") + std::string("rowid = ") +
            use(value::of(sqlite3_int64(below(80))));
  if (Sets.empty())
    return;
  std::string Where = One ? where_key(T) : where(T);
  both("UPDATE" +
           (One ? conflict()
                : std::string(any<std::string>({"", " OR ABORT"}))) +
           " " + T.Name + " SET " + Sets + " WHERE " + Where,
       Bound);
}

void remove(const table &T) {
  Bound.clear();
  std::string Where = where(T);
  both("DELETE FROM " + T.Name + " WHERE " + Where, Bound);
}

/// The columns, such that equal values are the same: the integer and the real
/// that are -2^63 are equal.
std::string plain(const std::string &Columns) {
  std::size_t Comma = Columns.find(", ");
  if (Comma != std::string::npos)
    return plain(Columns.substr(0, Comma)) + ", " +
           plain(Columns.substr(Comma + 2));
  return "CASE " + Columns + " WHEN -9223372036854775808 THEN 'least' ELSE " +
         Columns + " END";
}

void select(const table &T) {
  Bound.clear();
  std::string Key = T.HasRowid && T.Key == "rowid" ? "rowid, " : "";
  switch (below(10)) {
  case 0: {
    std::string Where = where(T);
    return both("SELECT count(*), count(" + any_field(T).Name + ") FROM " +
                    T.Name + " WHERE " + Where,
                Bound);
  }
  case 1: { // groups
    std::vector<std::string> Names;
    for (const field &F : T.Fields)
      if (F.Plain && Names.size() < 2)
        Names.push_back(F.Name);
    std::string By = Names[0];
    if (Names.size() > 1 && oneIn(2))
      By = oneIn(2) ? Names[0] + ", " + Names[1] : Names[1] + ", " + Names[0];
    std::string Shown = plain(By), Where = where(T);
    bool Any = oneIn(2);
    if (Any) { // up to three columns; which of equal values is shown is open
      By.clear();
      Shown.clear();
      std::vector<field> Fields;
      std::string Index;
      if (!T.Indexes.empty() && oneIn(2))
        Index = ", " + any(T.Indexes) + ",";
      for (const field &F : T.Fields)
        if (Index.find(" " + F.Name + ",") != std::string::npos)
          Fields.push_back(F);
      do
        Fields.push_back(any_field(T));
      while (Fields.size() < 3 && !oneIn(3));
      for (const field &F : Fields) {
        By += (By.empty() ? "" : ", ") + F.Name;
        if (F.Plain)
          Shown += (Shown.empty() ? "" : ", ") + plain(F.Name);
      }
      if (const field &F = any_field(T); oneIn(2)) {
        Bound.clear();
        Where = F.Name + " = " + use(value_for(F));
      }
    }
    if (!Any && oneIn(2)) { // in an order: an index's, or not, either way
      std::string Order, Columns = By;
      unsigned Count = 1;
      if (std::size_t Comma = By.find(", "); Comma != std::string::npos) {
        Count = 2;
        std::string A = By.substr(0, Comma), B = By.substr(Comma + 2);
        if (oneIn(2))
          std::swap(A, B);
        Columns = A + ", " + B;
        Order = A + any<std::string>({"", " DESC"}) + ", ";
        Order += B;
      } else {
        Order = By;
      }
      Order += any<std::string>({"", " DESC"});
      return both("SELECT " + Columns + ", count(*) FROM " + T.Name +
                      " WHERE " + Where + " GROUP BY " + By + " ORDER BY " +
                      Order,
                  Bound, Count);
    }
    return both((Any || oneIn(2)
                     ? "SELECT " + Shown + (Shown.empty() ? "" : ", ") +
                           "count(*) FROM " + T.Name + " WHERE " + Where +
                           " GROUP BY " + By
                     : "SELECT DISTINCT " + Shown + " FROM " + T.Name +
                           " WHERE " + Where) +
                    (oneIn(2) ? "" : " ORDER BY 1"),
                Bound);
  }
  case 2: { // joins with a native table, which may say what values are compared
            // as
    std::string C = column(T), D = any<std::string>({"i", "t", "o", "c"});
    std::string Op = any<std::string>({"=", "=", "=", "<", ">=", "IS"});
    std::string On = oneIn(2) ? T.Name + "." + C + " " + Op + " h." + D
                              : "h." + D + " " + Op + " " + T.Name + "." + C;
    std::string Where = oneIn(2) ? "" : " WHERE " + where(T, T.Name + ".");
    std::string Join =
        any<std::string>({" JOIN ", " LEFT JOIN ", " CROSS JOIN "});
    bool First = oneIn(2);
    return both("SELECT h.rowid, " + T.Name + ".* FROM " +
                    (First ? "h" : T.Name) + Join + (First ? T.Name : "h") +
                    " ON " + On + Where,
                Bound);
  }
  case 3: { // with itself, or another
    const table &U = any(Tables);
    std::string C = column(T), D = column(U);
    return both("SELECT count(*) FROM " + T.Name + " AS one JOIN " + U.Name +
                    " AS two ON one." + C + " = two." + D,
                Bound);
  }
  case 4: {
    std::string D = any<std::string>({"i", "t", "o", "c"});
    return both("SELECT " + Key + "* FROM " + T.Name +
                    (oneIn(2) ? " WHERE EXISTS" : " WHERE NOT EXISTS") +
                    "(SELECT 1 FROM h WHERE h." + D + " = " + T.Name + "." +
                    any_field(T).Name + ")",
                Bound);
  }
  case 5:
  case 6:
  case 7: { // in order
    std::vector<std::string> By;
    std::string Order, Names;
    static const std::vector<std::string> Ways = {"", " DESC"};
    std::string Way = any(Ways);
    for (unsigned N = 1 + below(3); N; N--) {
      std::string C = column(T);
      if (std::count(By.begin(), By.end(), C))
        continue;
      By.push_back(C);
      Order += (Order.empty() ? "" : ", ") + C + (oneIn(5) ? any(Ways) : Way);
      // Ties of values that look different may come either way round.
      bool Plain = C == "rowid";
      for (const field &F : T.Fields)
        Plain = Plain || (F.Name == C && F.Plain);
      Names += (Plain ? plain(C) : "typeof(" + C + ") IN ('integer', 'real')") +
               ", ";
    }
    std::string Where = oneIn(3) ? "" : " WHERE " + where(T);
    std::string Limit;
    bool Limited = oneIn(4);
    if (Limited)
      Limit = " LIMIT " + std::to_string(below(9)) +
              (oneIn(2) ? " OFFSET " + std::to_string(below(4)) : "");
    // A LIMIT cuts ties where they happen to be: only with a key behind them
    // the rows are known.
    return both("SELECT " + Names + Key + "* FROM " + T.Name + Where +
                    " ORDER BY " + Order + (Limited ? ", " + T.Key : "") +
                    Limit,
                Bound, unsigned(By.size()), false);
  }
  default: {
    std::string Where = where(T);
    return both("SELECT " + Key + "* FROM " + T.Name + " WHERE " + Where,
                Bound);
  }
  }
}

void other() {
  Bound.clear();
  if (oneIn(3))
    return both("DELETE FROM h WHERE rowid % 3 = " +
                    use(value::of(sqlite3_int64(below(3)))),
                Bound);
  // No texts among numbers: see "Limits" in the module's README.
  std::string Row = use(oneIn(5) ? value() : number());
  for (unsigned I = 0; I < 3; I++)
    Row += ", " + use(anything());
  both("INSERT INTO h VALUES(" + Row + ")", Bound);
}

/// From table to table; the second may be the first.
void copy() {
  Bound.clear();
  const table &T = any(Tables), &U = any(Tables);
  std::string Names, Values;
  for (const field &F : T.Fields)
    if (F.Name != "id") {
      Names += (Names.empty() ? "" : ", ") + F.Name;
      Values += (Values.empty() ? "" : ", ") + any_field(U).Name;
    }
  std::string Where = where(U);
  // In the order of a key, so that both see conflicts in the same order.
  both("INSERT OR " + any<std::string>({"IGNORE", "REPLACE", "ABORT"}) +
           " INTO " + T.Name + "(" + Names + ") SELECT " + Values + " FROM " +
           U.Name + " WHERE " + Where + " ORDER BY " + U.Key + " LIMIT 9",
       Bound);
}

void transaction() {
  static const std::vector<std::string> Points = {"p", "q", "r"};
  bool Open = !sqlite3_get_autocommit(Native);
  switch (below(Open ? 9 : 2)) {
  case 0:
    return both(Open ? "COMMIT" : "BEGIN");
  case 1:
  case 2:
  case 3:
    return both("SAVEPOINT " + any(Points));
  case 4:
    return both("RELEASE " + any(Points));
  case 5:
  case 6:
    return both("ROLLBACK TO " + any(Points));
  case 7:
    return both("ROLLBACK");
  default:
    return both("COMMIT");
  }
}

void everything() {
  for (const table &T : Tables) {
    std::string Key = T.Key == "rowid" ? "rowid, " : "";
    both("SELECT " + Key + "* FROM " + T.Name);
    for (const std::string &Index : T.Indexes)
      both("SELECT " + Key + "* FROM " + T.Name + " ORDER BY " + Index);
  }
}

/// Every index has an entry for each row.
void look_at_store() {
  pkv *S = pkv_open(Store.c_str(), 0);
  if (!S)
    stop(pkv_errormsg());
  if (const char *Wrong = pkv_check(S))
    stop(Wrong);
  for (unsigned N = 1; N <= Tables.size(); N++) {
    struct pkv_stat Rows, Index;
    auto Tree = [&](std::string Name) {
      return pkv_tree_open(S, Name.c_str(), 0);
    };
    pkv_stat(Tree(std::to_string(N)), nullptr, &Rows);
    for (unsigned I = 1;
         pkv_tree *T = Tree(std::to_string(N) + "." + std::to_string(I)); I++)
      if (pkv_stat(T, nullptr, &Index), Index.pairs != Rows.pairs)
        stop("an index has not the rows of its table");
  }
  pkv_close(S);
}

void reopen() {
  if (!sqlite3_get_autocommit(Native))
    both("COMMIT");
  everything();
  sqlite3_close(Virtual);
  look_at_store();
  open_virtual();
  // What a connection begins with.
  run(Native, "DELETE FROM h", {});
  sqlite3_set_last_insert_rowid(Virtual, sqlite3_last_insert_rowid(Native));
  both("INSERT INTO h VALUES(1, '1', '5', 'x')");
  everything();
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 4)
    return std::fputs("Usage: sqlite_random STORE SEED STATEMENTS\n", stderr),
           2;
  Store = argv[1];
  Random.seed(unsigned(std::atoi(argv[2])));
  unsigned long Statements = std::strtoul(argv[3], nullptr, 10);
  if (sqlite3_open(":memory:", &Native))
    return 1;
  for (const table &T : Tables)
    make_native(T);
  make_other(Native);
  without_filters(Native);
  open_virtual();
  both("INSERT INTO h VALUES(1, '1', '5', 'x')");
  while (Compared < Statements) {
    const table &T = any(Tables);
    unsigned W = below(100);
    if (W < 34)
      insert(T);
    else if (W < 46)
      update(T);
    else if (W < 49)
      remove(T);
    else if (W < 80)
      select(T);
    else if (W < 84)
      other();
    else if (W < 87)
      copy();
    else if (W < 98)
      transaction();
    else if (oneIn(4))
      everything();
    else if (oneIn(8))
      reopen();
  }
  reopen();
  sqlite3_close(Native);
  sqlite3_close(Virtual);
  std::printf("%lu statements, %lu rows and %lu errors the same\n", Compared,
              Answered, Refused);
}
