//===- Program.h - What is known of a program, from all of its files -*- C++ -*-===//
//
// What Collector.h writes down while one file after the other is parsed, in terms
// of places on disk, since the syntax trees are gone when edits are made.
//
//===----------------------------------------------------------------------===//
#ifndef PERDURE_MIGRATE_PROGRAM_H
#define PERDURE_MIGRATE_PROGRAM_H

#include "Graph.h"

#include <map>
#include <set>

namespace perdure::migrate {

/// A type as it is spelled out of a base and stars: `const struct node **`.
struct Shape {
  std::string Base; ///< as an alias would spell it: "const struct node"
  std::string Stem; ///< the base as a part of a name: "const_node"
  Place Declared;   ///< of a typedef without tag: behind it, the base is known
  std::string Home; ///< the file that defines the record
  bool IsHidden = false; ///< the base is a typedef that hides the first star
  /// The places that hold such pointers, one for each star, the innermost first;
  /// null where it is no place (a parameter's value, the result of a cast).
  std::vector<Node *> Levels;
};

/// Where a declaration, a cast or a typedef spells a type.
struct Spelling {
  Shape Type;
  Place Where;           ///< for messages
  std::string What;      ///< "variable 'at'"
  std::string File;      ///< empty: it cannot be edited
  std::string WhyNot;    ///< then, why
  unsigned Begin = 0;    ///< of the base, with its qualifiers
  unsigned BaseEnd = 0;  ///< behind it
  std::vector<unsigned> StarEnds; ///< behind each star; BaseEnd for one that a
                                  ///< typedef hides
  unsigned NameBegin = 0;         ///< the declarator, from its first star on
  std::string Group; ///< declarators of one declaration have the same
  unsigned GroupBegin = 0; ///< where that starts
  bool CanSplit = true;    ///< not in the head of a for
  bool HidesOuter = false; ///< stars in parentheses, too
  std::vector<Node *> OuterLevels;
  std::string Record; ///< of a field: the record, whose annotation may retype it
};

/// A parameter of a function that is defined: the one place that can never be
/// persistent itself. Where it must be, a local variable takes its name.
struct Parameter {
  Node *Self;
  Shape Type;
  Place Name;       ///< of the name, to be changed
  std::string Text; ///< the name
  unsigned BodyBegin; ///< behind the brace
  bool Editable;
};

/// An expression that becomes another type by itself.
struct Conversion {
  enum Kind { ToVoid, FromVoid, ToBytes } What;
  Node *Pointees;  ///< of the side that is a `T **`
  Shape Type;      ///< of that side
  Place Where;
  std::string File; ///< empty: in a macro
  unsigned Begin = 0, End = 0;
  bool NeedsParens = false;
  std::string Callee; ///< what it is an argument of
  Place Call;         ///< and where
  bool LooksOnly = false; ///< which only looks at the address
};

/// memcpy, memmove, qsort, memset, memcmp of something that may be annotated.
struct MemoryCall {
  std::string Callee;
  Place Where;      ///< of the name, with what qualifies it
  unsigned End = 0; ///< behind it
  bool Editable;    ///< the name
  Node *Pointees[2] = {nullptr, nullptr};  ///< where a side is a `T **`
  std::string Records[2]; ///< where a side is a pointer to a record: its key
  bool SameType = false;
  bool IsWhole = false; ///< the size is that of so many elements
  bool IsZero = false;  ///< memset to zero
  bool Variables = false; ///< both sides are variables, or parts of one
};

struct Field {
  std::string Name, Type;
  Place Where;
  std::string File; ///< where it may be edited
  unsigned Begin = 0;
  Node *Self = nullptr;
  unsigned Depth = 0;   ///< pointer levels; 0: no pointer
  std::string Reached;  ///< USR of the record that it leads to or holds
  bool Embeds = false;  ///< it holds that record, rather than leads to it
  bool IsSystem = false; ///< that record is a system header's
  bool ReachedHoldsPointers = false;
  bool IsTemplate = false; ///< that record is an instance of the program's template
  bool IsTable = false;  ///< that record is a table of functions
  bool IsCode = false, IsReference = false, IsAtomic = false;
  bool IsTransient = false, LeadsAnywhere = false;
};

struct Record {
  std::string Name, Usr, Kind;
  Place Where;
  std::string File;       ///< empty: the definition cannot be edited
  unsigned Keyword = 0;   ///< behind `struct`
  Place Forward;          ///< where `struct PERDURE name;` may stand instead
  bool IsAnnotated = false, IsSystem = false, IsUnion = false;
  bool IsPacked = false, IsLocal = false;
  bool HasVirtual = false;
  std::string Parent;     ///< the record it is defined in, whose annotation it has
  std::vector<Field> Fields;
};

/// A call that allocates or frees.
struct Allocation {
  std::string Callee;     ///< malloc, calloc, strdup, strndup, realloc, free
  Node *Block = nullptr;  ///< what is allocated or freed
  std::string Record;     ///< key of the record that it is, if it is one
  std::string Owner;      ///< the expression that is known to own the result
  Node *Slot = nullptr;   ///< the place of the owner that holds it
  Place Where;            ///< of the callee's name
  unsigned ArgsBegin = 0; ///< behind the parenthesis
  bool Editable = false;
  bool IsLocal = false; ///< only a local variable and functions get the result
};

struct File {
  bool IsSystem = false, IsC = false, IncludesPerdure = false;
  std::set<std::string> Includes;
  std::set<std::string> Names; ///< by which it was opened, absolute
  unsigned InsertAt = 0;      ///< where includes and aliases belong
  bool HasPlace = false;
  bool IsBare = false;        ///< neither a guard nor an include stands before
};

/// Something that a person must decide, or only know.
struct Finding {
  enum Kind { Decision, Note } What;
  Place Where;
  std::string Code, Text;
  bool operator<(const Finding &O) const {
    return std::tie(Where, Code, Text) < std::tie(O.Where, O.Code, O.Text);
  }
};

struct Alias {
  std::string Name, Pattern;
  std::string File;
  bool IsCxx = false;
};

struct Program {
  Graph G;
  std::map<std::string, Record> Records; ///< by place of definition
  std::multimap<std::string, std::string> ByUsr;
  std::multimap<std::string, std::string> ByTypedef;
  std::vector<Spelling> Spellings;
  std::vector<Parameter> Parameters;
  std::vector<Conversion> Conversions;
  std::vector<MemoryCall> Calls;
  std::vector<Allocation> Allocations;
  std::map<std::string, size_t> AllocationAt; ///< which of them stands where
  /// Where the address of free or realloc is taken.
  struct FreeByAddress {
    Node *Block; ///< what it may free
    Place Where; ///< of the name
    bool Editable;
  };
  std::vector<FreeByAddress> FreedSomewhere;
  /// What functions are given, which somebody may define elsewhere.
  std::vector<std::pair<std::string, Node *>> Passed;
  /// Records that are cast to each other and of which one starts with the other;
  /// Closure.cpp adds those that no single file shows.
  std::set<std::pair<std::string, std::string>> Derived;
  /// Integers made from pointers, by the record or the place they lead to.
  struct Number {
    std::string Record;
    Node *Pointees;
    Place Where;
  };
  std::vector<Number> Numbers;
  struct Punned {
    std::string Record, Other; ///< Other: empty where it is read as pointers
    Place Where;
    std::string Text;
  };
  std::vector<Punned> Puns;
  /// Functions, and whether any file has their body.
  struct Function {
    Place Where;
    std::string Name;
    bool HasBody = false;
    std::vector<Node *> Places;
  };
  std::map<std::string, Function> Functions;
  std::map<std::string, File> Files;
  std::map<std::string, Alias> Aliases; ///< by what they stand for
  std::set<std::string> Identifiers;
  /// Text that the preprocessor left out, and how many builds did, of how many.
  std::map<std::string, std::map<std::pair<unsigned, unsigned>, unsigned>> Skipped;
  std::map<std::string, unsigned> Units;
  std::set<Finding> Findings;
  std::set<std::string> Seen; ///< what has been written down already
};

struct Options {
  std::vector<std::string> Roots, Headers;
  bool Transient = false, ProveAllocations = true;
};

/// What the roots reach.
struct Closure {
  std::set<std::string> Records;  ///< annotated, or defined inside such a one
  std::set<std::string> Annotate; ///< those that need an annotation of their own
  std::vector<const Field *> Transient; ///< to be marked so, if that is asked for
  std::string Error;
};

/// Follows the roots, and marks the places that their annotation makes persistent.
Closure findClosure(Program &, const Options &);

struct Edit {
  std::string File;
  unsigned Offset = 0, Length = 0;
  std::string Text;
  std::string Kind; ///< "annotation", "retype", ...
  bool operator<(const Edit &O) const {
    return std::tie(File, Offset, Length, Text) <
           std::tie(O.File, O.Offset, O.Length, O.Text);
  }
};

/// The edits, none of which overlaps another. What it cannot edit becomes a finding.
std::vector<Edit> plan(Program &, const Closure &, const Options &);

} // namespace perdure::migrate

#endif // PERDURE_MIGRATE_PROGRAM_H
