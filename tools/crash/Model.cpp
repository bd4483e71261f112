//===- Model.cpp - What files may hold after a power failure --------------===//

#include "Model.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <set>
#include <string_view>

using namespace crash;

static uint64_t mix(uint64_t H) {
  H = (H ^ H >> 31) * 0x9e3779b97f4a7c15u;
  H = (H ^ H >> 29) * 0xbf58476d1ce4e5b9u;
  return H ^ H >> 32;
}

static uint64_t mix(uint64_t A, uint64_t B) {
  return mix(A * 0x2545f4914f6cdd1du + mix(B));
}

void crash::applyChange(Names &N, const NameChange &C) {
  using Kind = NameChange::Kind;
  switch (C.What) {
  case Kind::Create:
  case Kind::Directory:
    N[C.Path] = C.Inode;
    return;
  case Kind::Link:
    N[C.To] = C.Inode;
    return;
  case Kind::Rename:
    N.erase(C.Path);
    N[C.To] = C.Inode;
    return;
  case Kind::Unlink:
    N.erase(C.Path);
    return;
  }
}

static std::string directoryOf(const std::string &Path) {
  size_t Slash = Path.rfind('/');
  return Slash == std::string::npos ? "" : Path.substr(0, Slash);
}

// What /proc calls a file that was made without a name (O_TMPFILE).
static bool isNameless(const std::string &Path) {
  constexpr std::string_view End = " (deleted)";
  size_t Slash = Path.rfind('/');
  return Path[Slash == std::string::npos ? 0 : Slash + 1] == '#' &&
         Path.size() > End.size() &&
         !Path.compare(Path.size() - End.size(), End.size(), End);
}

Names crash::reachable(const Names &N) {
  Names Result;
  // Sorted: a directory comes before what lies in it.
  for (const auto &[Path, Inode] : N) {
    if (isNameless(Path))
      continue;
    std::string Directory = directoryOf(Path);
    auto It = Result.find(Directory);
    if (Directory.empty() || (It != Result.end() && It->second == NoInode))
      Result[Path] = Inode;
  }
  return Result;
}

static uint64_t hashOf(const Names &N) {
  uint64_t H = 0;
  for (const auto &[Path, Inode] : reachable(N))
    H ^= mix(std::hash<std::string>()(Path), Inode);
  return H;
}

uint32_t Dimension::whole() const {
  auto Last = std::max_element(
      Versions.begin(), Versions.end(),
      [](const Version &A, const Version &B) { return A.Prefix < B.Prefix; });
  return static_cast<uint32_t>(Last - Versions.begin());
}

uint64_t Point::hashOf(const std::vector<uint32_t> &Versions) const {
  uint64_t H = Hash;
  for (size_t I = 0; I < Versions.size(); ++I)
    H ^= Dimensions[I].Hash[0] ^ Dimensions[I].Hash[Versions[I]];
  return H;
}

bool Model::inRoot(const std::string &Path, std::string &Relative) const {
  if (Path.compare(0, Root.size() + 1, Root + "/"))
    return false;
  Relative = Path.substr(Root.size() + 1);
  return true;
}

unsigned Model::inodeOf(const std::string &Path) const {
  std::string Relative;
  auto It = inRoot(Path, Relative) ? Current.find(Relative) : Current.end();
  return It == Current.end() ? NoInode : It->second;
}

void Model::addFile(const std::string &Path, const std::string *Data) {
  unsigned Number = NoInode;
  if (Data) {
    Number = static_cast<unsigned>(Inodes.size());
    Inodes.emplace_back();
    Inodes.back().Content->assign(Data->begin(), Data->end());
    Inodes.back().Sizes = {Data->size()};
  }
  Certain[Path] = Current[Path] = Number;
}

void Model::addNotes(const std::string &Lines) {
  Notes = Lines;
  NoteHash = std::hash<std::string>()(Lines);
}

//===----------------------------------------------------------------------===//
// Stores
//===----------------------------------------------------------------------===//

void Model::map(const Event &E) {
  uint64_t End = E.Where + E.Extent;
  // What lay there goes; of a larger mapping what lies beside stays.
  auto It = Maps.upper_bound({E.Process, E.Where});
  if (It != Maps.begin() && std::prev(It)->first.first == E.Process)
    --It;
  while (It != Maps.end() && It->first.first == E.Process &&
         It->first.second < End) {
    uint64_t From = It->first.second, To = From + It->second.Bytes;
    if (To <= E.Where) {
      ++It;
      continue;
    }
    Mapped Was = It->second;
    It = Maps.erase(It);
    if (From < E.Where)
      Maps[{E.Process, From}] = {E.Where - From, Was.Inode, Was.Offset,
                                 Was.Private};
    if (To > End)
      Maps[{E.Process, End}] = {To - End, Was.Inode, Was.Offset + (End - From),
                                Was.Private};
  }
  // How, and from which offset of the file: as the trace's format has it.
  bool Private = !E.Text.compare(0, 8, "private ");
  uint64_t Offset = 0;
  if (Private || !E.Text.compare(0, 7, "shared "))
    Offset = std::stoull(E.Text.substr(E.Text.find(' ')));
  if (unsigned N = E.Data.empty() ? NoInode : inodeOf(E.Data); N != NoInode)
    Maps[{E.Process, E.Where}] = {E.Extent, N, Offset, Private};
}

unsigned Model::at(const Event &E, uint64_t &Offset, uint64_t &Bytes,
                   bool *Private) const {
  auto It = Maps.upper_bound({E.Process, E.Where});
  if (It == Maps.begin() || (--It)->first.first != E.Process ||
      E.Where - It->first.second >= It->second.Bytes)
    return NoInode;
  if (Private)
    *Private = It->second.Private;
  else if (It->second.Private)
    return NoInode;
  uint64_t Within = E.Where - It->first.second;
  Offset = It->second.Offset + Within;
  Bytes = std::min(Bytes, It->second.Bytes - Within);
  return It->second.Inode;
}

void Model::store(unsigned Number, uint64_t Offset, const char *Data,
                  uint64_t Bytes, uint64_t Grain) {
  Inode &N = Inodes[Number];
  while (Bytes) {
    uint64_t Part = std::min(Bytes, Grain - Offset % Grain);
    uint32_t Source = Now;
    if (auto It = Own.lower_bound({Number, Offset / 8});
        It != Own.end() && It->first.first == Number &&
        It->first.second * 8 < Offset + Part)
      Source = It->second;
    N.Units[Offset / unitBytes()].Pending.push_back(
        {Offset, std::string(Data, Part), Source, Now});
    Offset += Part;
    Data += Part;
    Bytes -= Part;
  }
}

static void patch(Bytes &Content, uint64_t Base, const Piece &P) {
  uint64_t Begin = P.Offset - Base, End = Begin + P.Data.size();
  if (Content.size() < End)
    Content.resize(End);
  std::copy(P.Data.begin(), P.Data.end(),
            Content.begin() + static_cast<std::ptrdiff_t>(Begin));
}

uint64_t Model::hashUnit(unsigned Number, uint64_t Unit,
                         const Bytes &Content) const {
  std::string_view Text(reinterpret_cast<const char *>(Content.data()),
                        Content.size());
  return mix(std::hash<std::string_view>()(Text), mix(Number, Unit));
}

/// The unit's bytes that are certain.
static Bytes certainBytes(const Bytes &Content, uint64_t Unit, uint64_t Size) {
  Bytes Result(Size);
  uint64_t Begin = Unit * Size;
  if (Begin < Content.size())
    std::copy_n(Content.begin() + static_cast<std::ptrdiff_t>(Begin),
                std::min<uint64_t>(Size, Content.size() - Begin),
                Result.begin());
  return Result;
}

//===----------------------------------------------------------------------===//
// What becomes certain
//===----------------------------------------------------------------------===//

void Model::pledgeRange(unsigned Number, uint64_t Offset, uint64_t Bytes,
                        std::vector<Pledge> &To) {
  if (!Bytes)
    return;
  Inode &N = Inodes[Number];
  uint64_t End = (Offset + Bytes - 1) / unitBytes();
  for (auto It = N.Units.lower_bound(Offset / unitBytes());
       It != N.Units.end() && It->first <= End; ++It)
    if (!It->second.Pending.empty())
      To.push_back(
          {Number, It->first, It->second.Done + It->second.Pending.size(), ""});
}

void Model::pledgeFile(unsigned Number, std::vector<Pledge> &To) {
  pledgeRange(Number, 0, NoUnit, To);
  const Inode &N = Inodes[Number];
  if (N.Sizes.size() > 1)
    To.push_back({Number, NoUnit, N.SizesDone + N.Sizes.size() - 1, ""});
}

static bool isIn(const NameChange &C, const std::string &Directory) {
  return directoryOf(C.Path) == Directory ||
         (!C.To.empty() && directoryOf(C.To) == Directory);
}

void Model::pledgeNames(const std::string &Directory, std::vector<Pledge> &To) {
  for (const NameChange &C : NamesPending)
    if (isIn(C, Directory))
      return To.push_back({NoInode, NoUnit, Now, Directory});
}

// The names of one directory, and those of others on which they depend: a
// rename from one to another is in both.
void Model::keepNames(const Pledge &P) {
  std::set<std::string> Directories{P.Directory};
  std::vector<NameChange> Kept, Left;
  for (; !NamesPending.empty(); NamesPending.pop_back()) {
    NameChange &C = NamesPending.back();
    bool Keep = C.Event <= P.Count &&
                std::any_of(Directories.begin(), Directories.end(),
                            [&](const std::string &D) { return isIn(C, D); });
    if (Keep) {
      Directories.insert(directoryOf(C.Path));
      if (!C.To.empty())
        Directories.insert(directoryOf(C.To));
    }
    (Keep ? Kept : Left).push_back(std::move(C));
  }
  for (auto C = Kept.rbegin(); C != Kept.rend(); ++C)
    applyChange(Certain, *C);
  NamesPending.assign(Left.rbegin(), Left.rend());
}

void Model::keepUnit(Inode &N, unsigned Number, uint64_t Index,
                     uint64_t Count) {
  auto It = N.Units.find(Index);
  if (It == N.Units.end() || It->second.Done >= Count)
    return;
  Unit &U = It->second;
  uint64_t Size = unitBytes();
  // Points that were given out share it. Their readers only ever let go.
  if (N.Content.use_count() > 1)
    N.Content = std::make_shared<Bytes>(*N.Content);
  std::atomic_thread_fence(std::memory_order_acquire);
  N.Hash ^= hashUnit(Number, Index, certainBytes(*N.Content, Index, Size));
  auto End = U.Pending.begin() + static_cast<std::ptrdiff_t>(Count - U.Done);
  for (auto P = U.Pending.begin(); P != End; ++P)
    patch(*N.Content, 0, *P);
  N.Hash ^= hashUnit(Number, Index, certainBytes(*N.Content, Index, Size));
  U.Pending.erase(U.Pending.begin(), End);
  U.Done = Count;
}

void Model::keep(std::vector<Pledge> &Pledges) {
  for (const Pledge &P : Pledges) {
    if (P.Inode == NoInode) {
      keepNames(P);
    } else if (P.Unit == NoUnit) {
      Inode &N = Inodes[P.Inode];
      if (P.Count > N.SizesDone) {
        N.Sizes.erase(N.Sizes.begin(),
                      N.Sizes.begin() +
                          static_cast<std::ptrdiff_t>(P.Count - N.SizesDone));
        N.SizesDone = P.Count;
      }
    } else {
      keepUnit(Inodes[P.Inode], P.Inode, P.Unit, P.Count);
    }
  }
  Pledges.clear();
}

//===----------------------------------------------------------------------===//
// Events
//===----------------------------------------------------------------------===//

void Model::changeNames(NameChange C) {
  C.Event = Now;
  applyChange(Current, C);
  NamesPending.push_back(std::move(C));
}

void Model::changeNames(const Event &E) {
  using Kind = NameChange::Kind;
  std::string Old = E.Data.substr(0, E.Data.find('\0')), Path, To;
  bool Two = Old.size() < E.Data.size();
  if (!inRoot(Old, Path) || (Two && !inRoot(E.Data.substr(Old.size() + 1), To)))
    return;
  unsigned N = inodeOf(Old);
  switch (E.Kind) {
  case PERDURE_TRACE_CREATE:
    N = static_cast<unsigned>(Inodes.size());
    Inodes.emplace_back();
    Inodes.back().Touched = Now;
    return changeNames({Kind::Create, Path, "", N, 0});
  case PERDURE_TRACE_MKDIR:
    return changeNames({Kind::Directory, Path, "", NoInode, 0});
  case PERDURE_TRACE_LINK:
    return changeNames({Kind::Link, Path, To, N, 0});
  case PERDURE_TRACE_RENAME:
    return changeNames({Kind::Rename, Path, To, N, 0});
  default:
    return changeNames({Kind::Unlink, Path, "", N, 0});
  }
}

bool Model::isLeftOut(const Event &E) const {
  return !LeftOut.empty() && E.Kind >= PERDURE_TRACE_FLUSH &&
         E.Kind <= PERDURE_TRACE_SYNC && E.Text == LeftOut;
}

bool Model::isPoint(const Event &E) const {
  if (isLeftOut(E))
    return false;
  auto Any = [&](const std::map<ThreadKey, std::vector<Pledge>> &Of) {
    auto It = Of.find({E.Process, E.Thread});
    return It != Of.end() && !It->second.empty();
  };
  return E.Kind == PERDURE_TRACE_NOTE ||
         (E.Kind == PERDURE_TRACE_FENCE && Any(Flushed)) ||
         (E.Kind == PERDURE_TRACE_SYNCED && Any(Syncing));
}

void Model::replay(const Event &E) {
  ThreadKey Thread{E.Process, E.Thread};
  uint64_t Offset = 0, Length = E.Extent;
  ++Now;
  if (isLeftOut(E))
    return;
  switch (E.Kind) {
  case PERDURE_TRACE_MAP:
    map(E);
    break;
  case PERDURE_TRACE_STORE: {
    bool Private = false;
    Length = E.Data.size();
    unsigned N = at(E, Offset, Length, &Private);
    if (N != NoInode && !Private)
      store(N, Offset, E.Data.data(), Length, 8);
    for (uint64_t W = Offset / 8; Private && W * 8 < Offset + Length; ++W)
      Own[{N, W}] = Now;
    break;
  }
  case PERDURE_TRACE_FLUSH:
    if (unsigned N = at(E, Offset, Length); N != NoInode)
      pledgeRange(N, Offset, Length, Flushed[Thread]);
    break;
  case PERDURE_TRACE_FENCE:
    keep(Flushed[Thread]);
    break;
  case PERDURE_TRACE_MSYNC:
    Syncing[Thread].clear();
    if (unsigned N = at(E, Offset, Length); N != NoInode)
      pledgeRange(N, Offset, Length, Syncing[Thread]);
    break;
  case PERDURE_TRACE_SYNC:
    Syncing[Thread].clear();
    if (unsigned N = inodeOf(E.Data); N != NoInode)
      pledgeFile(N, Syncing[Thread]);
    else if (std::string Path; E.Data == Root || inRoot(E.Data, Path))
      pledgeNames(Path, Syncing[Thread]);
    break;
  case PERDURE_TRACE_SYNCED:
    keep(Syncing[Thread]);
    break;
  case PERDURE_TRACE_CREATE:
  case PERDURE_TRACE_MKDIR:
  case PERDURE_TRACE_LINK:
  case PERDURE_TRACE_RENAME:
  case PERDURE_TRACE_UNLINK:
    changeNames(E);
    break;
  case PERDURE_TRACE_SIZE:
    if (unsigned N = inodeOf(E.Data); N != NoInode) {
      Inodes[N].Sizes.push_back(E.Where);
      Inodes[N].Touched = Now;
    }
    break;
  case PERDURE_TRACE_WRITE: {
    size_t Nul = E.Data.find('\0');
    unsigned Number = inodeOf(E.Data.substr(0, Nul));
    if (Number == NoInode)
      break;
    Length = E.Data.size() - Nul - 1;
    store(Number, E.Where, E.Data.data() + Nul + 1, Length,
          M == Medium::Dax ? 8 : 512);
    Inode &N = Inodes[Number];
    if (E.Where + Length > N.Sizes.back())
      N.Sizes.push_back(E.Where + Length);
    N.Touched = Now;
    break;
  }
  case PERDURE_TRACE_TOUCH:
    if (unsigned N = inodeOf(E.Data); N != NoInode)
      Inodes[N].Touched = Now;
    break;
  case PERDURE_TRACE_NOTE:
    Notes += E.Data + "\n";
    NoteHash = mix(NoteHash + 1, std::hash<std::string>()(E.Data));
    break;
  }
}

//===----------------------------------------------------------------------===//
// Points
//===----------------------------------------------------------------------===//

// The words of one store that lies in Pieces[Begin, End) reach the medium in no
// order that a program may count on: libc's memcpy copies the end of a block
// before its middle, and a vector is stored as one or in parts. Of few words
// each subset, of many those from which something goes first: each alone, all
// but one, those from one on. Prefixes are not among them.
static std::vector<Version> outOfOrder(uint32_t Begin, uint32_t End) {
  std::vector<Version> Result;
  unsigned Count = End - Begin;
  assert(Count <= 64 && "a unit has 512 bytes at most");
  auto Add = [&](uint64_t There) { // of the store's words
    unsigned First = static_cast<unsigned>(__builtin_ctzll(~There));
    uint64_t Beyond = First < 63 ? There >> (First + 1) : 0;
    if (Beyond)
      Result.push_back({Begin + First, Beyond});
  };
  uint64_t All = Count < 64 ? (uint64_t(1) << Count) - 1 : ~uint64_t(0);
  if (Count <= 4) {
    for (uint64_t There = 1; There < All; ++There)
      Add(There);
    return Result;
  }
  for (unsigned I = 0; I < Count; ++I) {
    uint64_t One = uint64_t(1) << I;
    for (uint64_t There : {One, All & ~One, All & ~(One - 1)})
      if (There != All)
        Add(There);
  }
  return Result;
}

Dimension Model::dimensionOf(unsigned Number, uint64_t Index,
                             const Unit &U) const {
  Dimension D{
      Dimension::Kind::Unit, Number, U.Pending, {}, {}, {}, Index, U.Done};
  uint64_t Size = unitBytes();
  Bytes Content = certainBytes(*Inodes[Number].Content, Index, Size);
  // Equal contents are one version: the one that has most of the stores.
  auto Add = [&](const Bytes &With, Version V) {
    uint64_t Hash = hashUnit(Number, Index, With);
    auto Same = std::find(D.Hash.begin(), D.Hash.end(), Hash);
    if (Same == D.Hash.end()) {
      D.Hash.push_back(Hash);
      D.Versions.push_back(V);
    } else if (Version &Other =
                   D.Versions[static_cast<size_t>(Same - D.Hash.begin())];
               Other.Prefix < V.Prefix) {
      Other = V;
    }
  };
  // The first is what the point's hash stands for.
  Add(Content, {0, 0});
  uint32_t End = 0, Count = static_cast<uint32_t>(U.Pending.size());
  for (uint32_t Begin = 0; Begin < Count; Begin = End) {
    while (End < Count && U.Pending[End].Store == U.Pending[Begin].Store)
      ++End;
    for (Version V : outOfOrder(Begin, End)) {
      Bytes With = Content;
      for (uint32_t I = Begin; I < End; ++I)
        if (V.has(I))
          patch(With, Index * Size, U.Pending[I]);
      Add(With, V);
    }
    for (uint32_t I = Begin; I < End; ++I) {
      patch(Content, Index * Size, U.Pending[I]);
      Add(Content, {I + 1, 0});
    }
  }
  return D;
}

Point Model::point() const {
  Point P;
  P.Event = Now;
  P.Notes = Notes;
  P.Base = Certain;
  P.NameChanges = NamesPending;
  P.Hash = mix(NoteHash, 1) ^ hashOf(Certain);
  for (unsigned I = 0; I < Inodes.size(); ++I) {
    const Inode &N = Inodes[I];
    P.Content.push_back(N.Content);
    P.Size.push_back(N.Sizes[0]);
    P.Touched.push_back(N.Touched);
    uint64_t SizeHash = mix(N.Sizes[0], mix(I, 3));
    P.Hash ^= N.Hash ^ SizeHash;
    for (const auto &[Index, U] : N.Units) {
      if (U.Pending.empty())
        continue;
      Dimension D = dimensionOf(I, Index, U);
      if (D.Hash.size() > 1)
        P.Dimensions.push_back(std::move(D));
    }
    Dimension D{Dimension::Kind::Size, I, {}, N.Sizes, {}, {}, 0, N.SizesDone};
    for (uint32_t V = 0; V < N.Sizes.size(); ++V) {
      D.Versions.push_back({V, 0});
      D.Hash.push_back(mix(N.Sizes[V], mix(I, 3)));
    }
    if (N.Sizes.size() > 1)
      P.Dimensions.push_back(std::move(D));
  }
  if (!NamesPending.empty()) {
    Dimension D{Dimension::Kind::Names, 0, {}, {}, {}, {}, 0, 0};
    Names N = Certain;
    for (uint32_t V = 0; V <= NamesPending.size(); ++V) {
      if (V)
        applyChange(N, NamesPending[V - 1]);
      D.Versions.push_back({V, 0});
      D.Hash.push_back(hashOf(N));
    }
    P.Dimensions.push_back(std::move(D));
  }
  return P;
}

std::vector<uint64_t> Model::certainOf(const Point &Of) const {
  std::vector<uint64_t> Result;
  for (const Dimension &D : Of.Dimensions) {
    uint64_t Done = 0;
    switch (D.What) {
    case Dimension::Kind::Unit: {
      const auto &Units = Inodes[D.Inode].Units;
      auto It = Units.find(D.Index);
      Done = It == Units.end() ? D.Done : It->second.Done;
      break;
    }
    case Dimension::Kind::Size:
      Done = Inodes[D.Inode].SizesDone;
      break;
    case Dimension::Kind::Names:
      // Those that are certain may lie behind others that are not, as the fsync
      // of a directory has it: with all up to the last one it is an outcome
      // here.
      for (uint64_t I = 0; I < Of.NameChanges.size(); ++I)
        if (std::none_of(NamesPending.begin(), NamesPending.end(),
                         [&](const NameChange &C) {
                           return C.Event == Of.NameChanges[I].Event;
                         }))
          Done = I + 1;
    }
    Result.push_back(Done - D.Done);
  }
  return Result;
}
