//===- graph.cpp - Breadth-first search in a random graph -----------------===//
//
// Eight edges a vertex. The queue goes through the vertices themselves, so the
// search also stores pointers. It ends after 16,384 vertices, or when all have
// been visited. An operation is one edge followed.
//
//===----------------------------------------------------------------------===//

#include "../workload.h"

namespace {

constexpr size_t Degree = 8;
constexpr size_t MostVisited = 16384;

struct ANNOTATED vertex;
typedef PTR(vertex) vertex_ref ANNOTATED;
struct ANNOTATED vertex {
  PTR(vertex_ref) edges;
  uint64_t degree;
  uint64_t visit; // the last search that came here
  uint64_t number;
  PTR(vertex) queued; // behind this one
};
struct ANNOTATED graph {
  PTR(vertex) start;
};

/// What there is of the structure besides its nodes.
struct {
  graph *G;
  size_t Items;
  uint64_t Search;
} S;

void build(lab::Arena &A, const lab::Plan &P) {
  S.G = A.make<graph>(0);
  S.Items = P.Items;
  S.Search = 0;
  ENTER(A.Parts[0].Begin);
  HOIST;
  vertex **All = new vertex *[P.Items];
  for (size_t I = 0; I != P.Items; ++I) {
    size_t Number = P.Order[I];
    vertex *V = All[Number] = A.make<vertex>(Number);
    V->degree = Degree;
    V->visit = 0;
    V->number = Number;
    STORE(V->queued, nullptr);
    STORE(V->edges, (vertex_ref *)A.take(Degree * sizeof(vertex_ref), Number));
  }
  lab::Random R(9);
  for (size_t I = 0; I != P.Items; ++I)
    for (size_t E = 0; E != Degree;
         ++E) // one edge makes sure that all are reached
      STORE(LOAD(All[I]->edges)[E],
            All[E ? R.below(P.Items) : (I + 1) % P.Items]);
  STORE(S.G->start, All[0]);
  delete[] All;
}

/// From where the search before ended; says how many edges it followed.
uint64_t search(graph *Graph, uint64_t Visit, size_t &Edges) {
  HOIST;
  uint64_t Sum = 0;
  size_t Visited = 0;
  vertex *V = LOAD(Graph->start), *Last = V;
  V->visit = Visit;
  STORE(V->queued, nullptr);
  for (; V; V = LOAD(V->queued)) {
    Sum += ++Visited * V->number;
    if (Visited == MostVisited)
      break;
    vertex_ref *Out = LOAD(V->edges);
    for (uint64_t I = 0; I != V->degree; ++I) {
      vertex *To = LOAD(Out[I]);
      if (To->visit == Visit)
        continue;
      To->visit = Visit;
      STORE(To->queued, nullptr);
      STORE(Last->queued, To);
      Last = To;
    }
    Edges += Degree;
  }
  STORE(Graph->start, Last);
  return Sum;
}

uint64_t searches(size_t &Operations) {
  uint64_t Sum = 0;
  size_t Done = 0;
  while (Done < Operations)
    Sum += search(S.G, ++S.Search, Done);
  Operations = Done;
  return Sum;
}

uint64_t check() {
  size_t Edges = 0;
  return search(S.G, ++S.Search, Edges) * 3 + Edges;
}

} // namespace

WORKLOAD(Graph, "graph", sizeof(vertex) + Degree * sizeof(vertex_ref), S, build,
         searches, check, nullptr)
