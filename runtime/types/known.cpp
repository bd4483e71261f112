//===- known.cpp - The types that this process's code knows ---------------===//

#include "types/known.h"
#include "platform/lock.h"

#include <stdlib.h>

using namespace perdure;

static Mutex KnownLock;
static perdure_descriptors *Known; // KnownLock
static uint64_t Epoch;       // atomic

void perdure::addTypes(perdure_descriptors *Types) {
  Locked Hold(KnownLock);
  Types->next = Known;
  Known = Types;
  __atomic_add_fetch(&Epoch, 1, __ATOMIC_RELEASE);
}

void perdure::forgetTypes(perdure_descriptors *Types) {
  Locked Hold(KnownLock);
  for (perdure_descriptors **Link = &Known; *Link; Link = &(*Link)->next)
    if (*Link == Types) {
      *Link = Types->next;
      break;
    }
  __atomic_add_fetch(&Epoch, 1, __ATOMIC_RELEASE);
}

uint64_t perdure::knownTypesEpoch() {
  return __atomic_load_n(&Epoch, __ATOMIC_ACQUIRE);
}

// Linkers put zeroes between what different files bring.
static const TypeDescriptor *next(const perdure_descriptors &T, const char *&At) {
  for (; (size_t)(T.end - At) > sizeof(TypeDescriptor); At += 8) {
    const auto *D = (const TypeDescriptor *)At;
    if (!D->Bytes)
      continue;
    if (D->Bytes > (size_t)(T.end - At) - sizeof(*D))
      break; // not the compiler's
    At += D->room();
    return D;
  }
  return nullptr;
}

// The one of that name and layout; where the layout is not told, the only one of
// that name.
static const TypeDescriptor *find(Piece Name, uint64_t Layout) {
  const TypeDescriptor *Only = nullptr;
  for (const perdure_descriptors *T = Known; T; T = T->next) {
    const char *At = T->begin;
    while (const TypeDescriptor *D = next(*T, At)) {
      TypeHead H;
      if ((Layout && D->Layout != Layout) || !readHead(D->text(), H) ||
          H.Name != Name)
        continue;
      if (Layout)
        return D;
      if (Only && Only->Layout != D->Layout)
        return nullptr;
      Only = D;
    }
  }
  return Only;
}

bool TypeClosure::add(const TypeDescriptor &D) {
  for (const TypeDescriptor *Had : *this)
    if (Had == &D || (Had->Layout == D.Layout && Had->text() == D.text()))
      return true;
  if (Count == Room) {
    size_t Now = Room ? Room * 2 : 16;
    auto *Larger =
        (const TypeDescriptor **)realloc(Items, Now * sizeof(*Items));
    if (!Larger)
      return false;
    Items = Larger;
    Room = Now;
  }
  Items[Count++] = &D;
  return true;
}

TypeClosure::TypeClosure(const TypeDescriptor &Root) {
  KnownLock.lock();
  bool Ok = add(Root);
  for (size_t I = 0; Ok && I < Count; ++I) {
    Piece Text = Items[I]->text();
    TypeLines Lines(Text);
    uint64_t Index = 0;
    for (TypeLine L; Ok && Lines.next(L);) {
      if (L.Keyword != Piece("refer"))
        continue;
      if (const TypeDescriptor *D = find(L.Rest, referredLayout(Text, Index)))
        Ok = add(*D);
      ++Index;
    }
  }
  if (!Ok) {
    free(Items);
    Items = nullptr;
    Count = 0;
  }
}

bool TypeClosure::hasArrays(Piece Name, uint64_t Layout) const {
  for (const perdure_descriptors *T = Known; T; T = T->next) {
    const char *At = T->begin;
    TypeHead H;
    while (const TypeDescriptor *D = next(*T, At))
      if (D->Layout == Layout && readHead(D->text(), H) && H.Name == Name &&
          hasLine(D->text(), "arrays"))
        return true;
  }
  return false;
}

TypeClosure::~TypeClosure() {
  free(Items);
  KnownLock.unlock();
}

void perdure::typesBeforeFork() { KnownLock.lock(); }
void perdure::typesAfterFork() { KnownLock.unlock(); }
