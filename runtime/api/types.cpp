//===- types.cpp - An object's types beside the program's -----------------===//
//
// The plugin puts these calls around what the program opens or creates as a record:
//
//   struct list *l = perdure_open(s, "list", 0)
//   struct list *l = __perdure_type_root(perdure_open(s, "list", 0), &type of list)
//
// Who may write an object records in it which types it holds: all that the root's
// type leads to. From then on programs in which one of them has another layout do not
// open it.
//
//===----------------------------------------------------------------------===//

#include "api/arguments.h"
#include "object/store.h"
#include "platform/error.h"
#include "platform/options.h"
#include "platform/pointer_format.h"
#include "types/known.h"
#include "types/table.h"

#include <errno.h>
#include <stdlib.h>
#include <stdio.h>

using namespace perdure;

void __perdure_register_types(unsigned Version, perdure_descriptors *Types) {
  if (Version == PerdureAbiVersion) // or __perdure_register has said so
    addTypes(Types);
}

void __perdure_unregister_types(perdure_descriptors *Types) { forgetTypes(Types); }

namespace {
/// What a table says.
struct Recorded {
  struct Item {
    Piece Text;
    uint64_t Layout;
  };
  Item *Items = nullptr;
  size_t Count = 0;
  bool Ok = true; // ENOMEM

  explicit Recorded(const Object &O) {
    size_t Room = 0;
    visitTypes(O, [&](Piece Text, uint64_t Layout) {
      if (Count == Room) {
        Room = Room ? Room * 2 : 16;
        auto *Larger = (Item *)realloc((void *)Items, Room * sizeof(Item));
        if (!Larger)
          return Ok = fail(ENOMEM, "no memory for a table of types");
        Items = Larger;
      }
      Items[Count++] = {Text, Layout};
      return true;
    });
  }
  ~Recorded() { free((void *)Items); }
  Recorded(const Recorded &) = delete;
  Recorded &operator=(const Recorded &) = delete;

  const Item *begin() const { return Items; }
  const Item *end() const { return Items + Count; }

  bool has(Piece Name, uint64_t Layout) const {
    TypeHead H;
    for (const Item &I : *this)
      if (I.Layout == Layout && readHead(I.Text, H) && H.Name == Name)
        return true;
    return false;
  }
  bool hasArrays(Piece Name, uint64_t Layout) const {
    TypeHead H;
    for (const Item &I : *this) {
      Piece Of = I.Text;
      if (I.Layout == Layout &&
          ((Of.consume("arrays ") && Of == Name) ||
           (readHead(I.Text, H) && H.Name == Name && hasLine(I.Text, "arrays"))))
        return true;
    }
    return false;
  }
};
} // namespace

// One that was stored under this name and which the program does not know.
static const Recorded::Item *findOther(const Recorded &Had, const TypeClosure &Known,
                                       Piece Name) {
  for (const Recorded::Item &I : Had) {
    TypeHead H, Mine;
    bool Knows = false;
    if (!readHead(I.Text, H) || H.Name != Name)
      continue;
    for (const TypeDescriptor *D : Known)
      Knows = Knows || (D->Layout == I.Layout && readHead(D->text(), Mine) &&
                        Mine.Name == Name);
    if (!Knows)
      return &I;
  }
  return nullptr;
}

static bool failChanged(const Object &O, Piece Name, Piece Old, Piece New) {
  char How[600];
  explainDifference(Old, New, How, sizeof(How));
  return fail(EPROTO,
              "object %s: the type '%.*s' is laid out in another way than when it "
              "was stored: %s; docs/Types.md says how to migrate",
              labelOf(O).Text, (int)(Name.Bytes < 100 ? Name.Bytes : 100),
              Name.Begin, How);
}

static bool failRoot(const Object &O, Piece Was, Piece Is) {
  auto Shown = [](Piece P) { return (int)(P.Bytes < 100 ? P.Bytes : 100); };
  return fail(EPROTO,
              "object %s: its root is a '%.*s' and this program takes it for a "
              "'%.*s': open another object, or see docs/Types.md",
              labelOf(O).Text, Shown(Was), Was.Begin, Shown(Is), Is.Begin);
}

// What O does not have yet goes to New. False: something in it is another.
static bool compare(const Object &O, const TypeClosure &Known, TypeBatch &New) {
  Recorded Had(O);
  if (!Had.Ok)
    return false;
  for (const TypeDescriptor *D : Known) {
    TypeHead H;
    if (!readHead(D->text(), H))
      continue;
    if (!Had.has(H.Name, D->Layout)) {
      if (const auto *Other = findOther(Had, Known, H.Name))
        return failChanged(O, H.Name, Other->Text, D->text());
      New.add("", D->text(), D->Layout);
      if (!hasLine(D->text(), "arrays") && Known.hasArrays(H.Name, D->Layout))
        New.add("arrays", H.Name, D->Layout);
    } else if (Known.hasArrays(H.Name, D->Layout) &&
               !Had.hasArrays(H.Name, D->Layout)) {
      New.add("arrays", H.Name, D->Layout);
    }
  }
  const TypeDescriptor &Root = **Known.begin();
  TypeHead Mine;
  Piece Was;
  uint64_t WasLaidOut = 0;
  for (const Recorded::Item &I : Had) {
    Piece Name = I.Text;
    if (Name.consume("root ")) {
      Was = Name;
      WasLaidOut = I.Layout;
    }
  }
  if (!readHead(Root.text(), Mine))
    return true;
  if (!Was.Bytes)
    New.add("root", Mine.Name, Root.Layout);
  else if (WasLaidOut != Root.Layout)
    return failRoot(O, Was, Mine.Name);
  return true;
}

// What cannot be recorded is recorded by who opens the object next.
static bool checkTypes(Object &O, const TypeDescriptor &Root) {
  TypeClosure Known(Root);
  if (!Known.ok())
    return fail(ENOMEM, "no memory for the types of object %s",
                labelOf(O).Text);
  followWriter(O);
  TypeBatch New;
  if (!compare(O, Known, New))
    return false;
  if (New.isEmpty() || !isWritable(O))
    return true;
  int Saved = errno;
  {
    StructureLocked Hold(O);
    TypeBatch Now; // others may have been faster
    if (Hold.ok() && compare(O, Known, Now))
      appendTypes(O, Now);
  }
  errno = Saved;
  return true;
}

extern "C" PERDURE_API void *__perdure_type_root(void *Root,
                                                 const TypeDescriptor *D) {
  Object *O = Root && TheOptions.types ? objectAt(Root) : nullptr;
  if (!O || !isPresent(*O))
    return Root;
  // Of this descriptor, as long as none comes or goes. After 65,536 of these times
  // one is taken for another that lay in its place, and not looked at.
  uint64_t Key = (uint64_t)D ^ knownTypesEpoch() << 48;
  if (__atomic_load_n(&O->TypesChecked, __ATOMIC_RELAXED) == Key)
    return Root;
  if (checkTypes(*O, *D)) {
    __atomic_store_n(&O->TypesChecked, Key, __ATOMIC_RELAXED);
    return Root;
  }
  int Saved = errno;
  perdure_close(Root);
  errno = Saved;
  return nullptr;
}

int perdure_types(const void *in_object,
                  int (*visit)(void *arg, const struct perdure_type *), void *arg) {
  Object *O = openObjectAt(in_object, "perdure_types");
  if (!O)
    return -1;
  followWriter(*O);
  Recorded Had(*O);
  if (!Had.Ok)
    return -1;
  for (const Recorded::Item &I : Had) {
    struct perdure_type T = {I.Text.Begin, I.Text.Bytes, I.Layout};
    if (int Result = visit(arg, &T))
      return Result;
  }
  return 0;
}
