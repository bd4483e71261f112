//===- Graph.h - Which places of memory hold the same kind of pointer -*- C++ -*-//
//
// One node stands for all places that hold pointers of one kind: the variables,
// fields and elements that some `T **` may lead to are one node, since a type is
// either persistent or native wherever it is reached from. Flow-insensitive, over
// all files of the program, by unification (Steensgaard 1996).
//
// `next(N)` is what the pointers in N lead to. A function is a node, too, with a
// node for each parameter and one for the result.
//
//===----------------------------------------------------------------------===//
#ifndef PERDURE_MIGRATE_GRAPH_H
#define PERDURE_MIGRATE_GRAPH_H

#include "llvm/ADT/StringMap.h"

#include <deque>
#include <string>
#include <vector>

namespace perdure::migrate {

/// Where something stands in a file as it is on disk.
struct Place {
  std::string File;
  unsigned Offset = 0, Line = 0, Column = 0;

  bool isValid() const { return !File.empty(); }
  bool operator<(const Place &O) const {
    return std::tie(File, Offset) < std::tie(O.File, O.Offset);
  }
  bool operator==(const Place &O) const {
    return File == O.File && Offset == O.Offset;
  }
};

struct Reason {
  Place Where;
  std::string Text;
};

struct Node {
  Node *Parent = nullptr;
  Node *Next = nullptr;
  Node *Result = nullptr;
  std::vector<Node *> Params;
  bool IsPersistent = false;
  bool ToInteger = false, FromInteger = false; ///< what leads here is made so
  Reason Escape; ///< where what leads here becomes something that is not followed
  Reason Persistent;           ///< why, once it is
  std::vector<Reason> Natives; ///< what cannot be anything but native
};

class Graph {
public:
  Node *make() { return &Nodes.emplace_back(); }
  /// The node of this name, which is the same in all files of the program.
  Node *named(llvm::StringRef Key) {
    Node *&N = Names[Key];
    return N ? N : N = make();
  }
  Node *find(Node *N) const;
  Node *next(Node *N);
  Node *result(Node *Function);
  Node *param(Node *Function, unsigned Index);
  void unify(Node *A, Node *B);
  /// The same pointers are in A and B, which are places of their own.
  void flow(Node *A, Node *B) { unify(next(A), next(B)); }
  void setPersistent(Node *N, const Place &Where, const std::string &Text);
  void setNative(Node *N, const Place &Where, const std::string &Text);
  void setEscaping(Node *N, const Place &Where, const std::string &Text);
  bool isPersistent(Node *N) const { return N && find(N)->IsPersistent; }
  std::deque<Node> &nodes() { return Nodes; }

private:
  std::deque<Node> Nodes;
  llvm::StringMap<Node *> Names;
};

} // namespace perdure::migrate

#endif // PERDURE_MIGRATE_GRAPH_H
