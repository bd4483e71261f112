//===- Graph.cpp - Which places of memory hold the same kind of pointer ---===//
#include "Graph.h"

namespace perdure::migrate {

Node *Graph::find(Node *N) const {
  while (N->Parent) {
    if (N->Parent->Parent)
      N->Parent = N->Parent->Parent;
    N = N->Parent;
  }
  return N;
}

Node *Graph::next(Node *N) {
  N = find(N);
  if (!N->Next)
    N->Next = make();
  return find(N->Next);
}

Node *Graph::result(Node *Function) {
  Function = find(Function);
  if (!Function->Result)
    Function->Result = make();
  return Function->Result;
}

Node *Graph::param(Node *Function, unsigned Index) {
  Function = find(Function);
  while (Function->Params.size() <= Index)
    Function->Params.push_back(make());
  return Function->Params[Index];
}

void Graph::unify(Node *A, Node *B) {
  std::vector<std::pair<Node *, Node *>> Work{{A, B}};
  while (!Work.empty()) {
    Node *To = find(Work.back().first), *From = find(Work.back().second);
    Work.pop_back();
    if (To == From)
      continue;
    From->Parent = To;
    if (From->IsPersistent && !To->IsPersistent) {
      To->IsPersistent = true;
      To->Persistent = From->Persistent;
    }
    To->ToInteger |= From->ToInteger;
    To->FromInteger |= From->FromInteger;
    if (From->Escape.Where.isValid() &&
        (!To->Escape.Where.isValid() || From->Escape.Where < To->Escape.Where))
      To->Escape = From->Escape;
    for (Reason &R : From->Natives)
      To->Natives.push_back(std::move(R));
    if (!To->Next)
      To->Next = From->Next;
    else if (From->Next)
      Work.push_back({To->Next, From->Next});
    // Parameters and results are values: what they lead to is the same, the
    // places themselves are each function's own.
    if (!To->Result)
      To->Result = From->Result;
    else if (From->Result)
      Work.push_back({next(To->Result), next(From->Result)});
    for (unsigned I = 0; I != From->Params.size(); ++I) {
      if (I >= To->Params.size())
        To->Params.push_back(From->Params[I]);
      else
        Work.push_back({next(To->Params[I]), next(From->Params[I])});
    }
  }
}

void Graph::setPersistent(Node *N, const Place &Where,
                          const std::string &Text) {
  N = find(N);
  if (N->IsPersistent)
    return;
  N->IsPersistent = true;
  N->Persistent = {Where, Text};
}

void Graph::setNative(Node *N, const Place &Where, const std::string &Text) {
  N = find(N);
  for (const Reason &R : N->Natives)
    if (R.Where == Where && R.Text == Text)
      return;
  N->Natives.push_back({Where, Text});
}

void Graph::setEscaping(Node *N, const Place &Where, const std::string &Text) {
  N = find(N);
  if (!N->Escape.Where.isValid() || Where < N->Escape.Where)
    N->Escape = {Where, Text};
}

} // namespace perdure::migrate
