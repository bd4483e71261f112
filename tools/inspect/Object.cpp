//===- Object.cpp - Objects that are open to be looked at -----------------===//

#include "Object.h"

#include <algorithm>
#include <cstdio>
#include <unistd.h>

using namespace inspect;

std::string inspect::idInWords(perdure_id Id) {
  char Text[33];
  snprintf(Text, sizeof(Text), "%016llx%016llx", (unsigned long long)Id.hi,
           (unsigned long long)Id.lo);
  return Text;
}

//===----------------------------------------------------------------------===//
// One
//===----------------------------------------------------------------------===//

Object::Object(Objects &Owner, const void *Root, std::string Name)
    : Owner(Owner), Name(std::move(Name)), Id(perdure_object_id(Root)),
      Base((uint64_t)Root - perdure_offset(Root)), Bytes(0),
      RootOffset(perdure_offset(Root)), RootBytes(0) {
  struct perdure_stat Stat;
  if (!perdure_stat(Root, &Stat)) {
    Bytes = Stat.file_bytes;
    RootBytes = Stat.root_bytes;
  }
  perdure_types(
      Root,
      [](void *To, const struct perdure_type *T) {
        ((Types *)To)->add({T->text, T->bytes}, T->layout);
        return 0;
      },
      &Known);
  Known.finish();
}

bool Object::readBlocks() {
  if (HasBlocks)
    return BlocksOk;
  HasBlocks = true;
  BlocksOk = !perdure_blocks(
      at(RootOffset),
      [](void *To, const struct perdure_block *B) {
        ((std::vector<Block> *)To)->push_back({B->offset, B->bytes, B->kind});
        return 0;
      },
      &Blocks);
  if (!BlocksOk)
    Blocks.clear();
  return BlocksOk;
}

const std::vector<Block> &Object::blocks() {
  readBlocks();
  return Blocks;
}

const Block *Object::blockAt(uint64_t Offset) {
  readBlocks();
  auto It = std::upper_bound(
      Blocks.begin(), Blocks.end(), Offset,
      [](uint64_t Offset, const Block &B) { return Offset < B.Offset; });
  if (It == Blocks.begin() || Offset - (--It)->Offset >= It->Bytes)
    return nullptr;
  return &*It;
}

const std::vector<struct perdure_foreign> &Object::foreign() {
  struct perdure_foreign F;
  if (!HasForeign)
    for (uint64_t I = 1; !perdure_foreign(at(RootOffset), I, &F); ++I)
      Foreign.push_back(F);
  HasForeign = true;
  return Foreign;
}

//===----------------------------------------------------------------------===//
// All
//===----------------------------------------------------------------------===//

Objects::~Objects() {
  for (void *Root : Entered)
    perdure_unlock(Root);
  for (void *Root : Opened)
    perdure_close(Root);
}

// Who writes in sections does not write meanwhile. Of an object that is written in
// another way nobody can tell when it is whole; nor is it waited for where others
// may wait for what this process holds.
void Objects::enterSection(void *Root) {
  if (!(Flags & PERDURE_RDONLY))
    return;
  unsigned Wait = Entered.empty() ? 0 : +PERDURE_NOWAIT;
  for (int Try = 0; Try < 100; ++Try) {
    if (perdure_lock(Root, PERDURE_RDONLY | Wait) >= 0) {
      Entered.push_back(Root);
      return;
    }
    usleep(1000);
  }
}

Object *Objects::enter(void *Root, std::string Name) {
  uint64_t Base = (uint64_t)Root - perdure_offset(Root);
  for (auto &O : All)
    if (O->Base == Base)
      return O.get();
  enterSection(Root);
  All.push_back(std::make_unique<Object>(*this, Root, std::move(Name)));
  return All.back().get();
}

Object *Objects::open(const std::string &Name) {
  void *Root = perdure_open(Store, Name.c_str(), Flags);
  if (!Root)
    return nullptr;
  Opened.push_back(Root);
  // Where the file allows no more it was opened to be read, and others may write it.
  if (!(Flags & PERDURE_RDONLY)) {
    if (perdure_tx_begin(Root))
      return nullptr;
    perdure_tx_abort();
  }
  return enter(Root, Name);
}

Object *Objects::at(uint64_t Address) {
  for (auto &O : All)
    if (O->isNear(Address))
      return O.get();
  void *Root = perdure_root((const void *)Address);
  if (!Root)
    return nullptr;
  perdure_id Id = perdure_object_id(Root);
  std::string Name = nameOf(Id);
  return enter(Root, Name.empty() ? idInWords(Id) : Name);
}

std::string Objects::nameOf(perdure_id Id) {
  if (!HasNames) {
    perdure_list(
        Store,
        [](void *To, const char *Name, perdure_id Id) {
          ((std::vector<std::pair<std::string, perdure_id>> *)To)->push_back({Name, Id});
          return 0;
        },
        &Names);
    std::sort(Names.begin(), Names.end(),
              [](auto &A, auto &B) { return A.first < B.first; });
  }
  HasNames = true;
  for (auto &[Name, Of] : Names)
    if (isSame(Of, Id))
      return Name;
  return "";
}
