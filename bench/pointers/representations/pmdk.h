//===- pmdk.h - PMDK, PMEMoid fields ----------------------------*- C++ -*-===//
//
// libpmemobj's own way between its 16 bytes and an address: pmemobj_direct,
// inline, with its cache of the pool used last; and pmemobj_oid.
//
//===----------------------------------------------------------------------===//

#include <libpmemobj/base.h>

namespace {

template <class T> struct Oid {
  PMEMoid Value;
  T *direct() const { return static_cast<T *>(pmemobj_direct(Value)); }
  void set(T *P) { Value = P ? pmemobj_oid(P) : PMEMoid{0, 0}; }
};

} // namespace

#define ANNOTATED
#define PTR(T) Oid<T>
#define LOAD(Field) ((Field).direct())
#define STORE(Field, P) ((Field).set(P))
#define HOIST
#define ENTER(P) ((void)(P))
