//===- Model.h - What files may hold after a power failure ------*- C++ -*-===//
//
// Replays a trace. At each event it knows what is on the medium for certain
// and, as a list of dimensions, what may be there or not: each line (DAX) or
// sector (page media) any prefix of its stores, each file one of its sizes, the
// directories any prefix of what was done to them. docs/CrashExplorer.md.
//
//===----------------------------------------------------------------------===//

#ifndef PERDURE_TOOLS_CRASH_MODEL_H
#define PERDURE_TOOLS_CRASH_MODEL_H

#include "Trace.h"

#include <map>
#include <memory>

namespace crash {

enum class Medium { Dax, Page };

using Bytes = std::vector<uint8_t>;

/// At most eight bytes, which reach the medium together; of a write(2) at most
/// a sector.
struct Piece {
  uint64_t Offset;
  std::string Data;
  uint32_t Event; // where its content comes from
  uint32_t Store; // the event that put it there; its pieces have no order
};

/// Of a list of changes the first Prefix have happened, and of those behind,
/// which belong to the same store as the change number Prefix, those in Beyond:
/// bit I stands for the change number Prefix + 1 + I.
struct Version {
  uint32_t Prefix = 0;
  uint64_t Beyond = 0;

  bool has(uint64_t Change) const {
    return Change < Prefix || (Change > Prefix && Change - Prefix <= 64 &&
                               Beyond >> (Change - Prefix - 1) & 1);
  }
};

/// What may or may not have happened to one line, sector, size, or to the
/// directories.
struct Dimension {
  enum class Kind { Unit, Size, Names } What;
  unsigned Inode = 0;
  std::vector<Piece> Pieces;     // Unit
  std::vector<uint64_t> Sizes;   // Size: before, and after each change
  std::vector<Version> Versions; // distinct contents only
  std::vector<uint64_t> Hash;    // of each version
  uint64_t Index = 0;            // Unit: which one of the file
  uint64_t Done = 0;             // changes before these, which are certain

  /// The version in which nothing is lost. Not always the last: what was stored
  /// may be what was there before.
  uint32_t whole() const;
};

struct NameChange {
  enum class Kind { Create, Directory, Link, Rename, Unlink } What;
  std::string Path, To;
  unsigned Inode;
  uint32_t Event;
};

constexpr unsigned NoInode = ~0u; // of directories
using Names = std::map<std::string, unsigned>;

void applyChange(Names &N, const NameChange &C);

/// Without what lies in directories that are not there, and files without a
/// name.
Names reachable(const Names &N);

/// All that a power failure at one event can leave.
struct Point {
  uint32_t Event;
  std::vector<std::shared_ptr<const Bytes>> Content; // certain, by inode
  std::vector<uint64_t> Size;                        // certain, by inode
  std::vector<uint32_t> Touched; // by inode: the event that set its time
  Names Base;
  std::vector<NameChange> NameChanges;
  std::vector<Dimension> Dimensions;
  uint64_t Hash; // of what is certain, and of the notes
  std::string Notes;

  uint64_t hashOf(const std::vector<uint32_t> &Versions) const;
};

class Model {
public:
  /// Root: the directory that the program ran in. Paths elsewhere are nothing
  /// of ours.
  Model(Medium M, std::string Root) : M(M), Root(std::move(Root)) {}

  /// A file that was there, whole, before the program ran; by its path from
  /// Root on. Data is null for a directory.
  void addFile(const std::string &Path, const std::string *Data);

  /// What was promised before the program ran: lines.
  void addNotes(const std::string &Lines);

  /// From now on a flush, fence or sync that the trace names so is none.
  void leaveOut(const std::string &Name) { LeftOut = Name; }

  /// Whether what follows makes less possible or promises more: only before
  /// those events is there anything new to try.
  bool isPoint(const Event &E) const;
  void replay(const Event &E);
  Point point() const;

  /// How many of the changes of each dimension are certain here. Of: a point at
  /// this event of a model that has left something out.
  std::vector<uint64_t> certainOf(const Point &Of) const;

private:
  struct Unit {
    uint64_t Done = 0; // changes that are certain
    std::vector<Piece> Pending;
  };
  struct Inode {
    std::shared_ptr<Bytes> Content = std::make_shared<Bytes>();
    uint64_t Hash = 0;
    std::map<uint64_t, Unit> Units;
    uint64_t SizesDone = 0;
    std::vector<uint64_t> Sizes{0};
    uint32_t Touched = 0;
  };
  /// What is certain once a fence or sync has ended.
  struct Pledge {
    unsigned Inode;        // NoInode: the names in Directory
    uint64_t Unit, Count;  // Unit NoUnit: sizes. Of names: up to that event
    std::string Directory; // "": the one that the program ran in
  };
  struct Mapped {
    uint64_t Bytes;
    unsigned Inode;
    uint64_t Offset; // in the file
    bool Private;    // stores do not reach it, but by a later write
  };
  using ThreadKey = std::pair<uint32_t, uint32_t>;
  static constexpr uint64_t NoUnit = ~0ull;

  uint64_t unitBytes() const { return M == Medium::Dax ? 64 : 512; }
  bool inRoot(const std::string &Path, std::string &Relative) const;
  unsigned inodeOf(const std::string &Path) const;
  void map(const Event &E);
  unsigned at(const Event &E, uint64_t &Offset, uint64_t &Bytes,
              bool *Private = nullptr) const;
  void store(unsigned Inode, uint64_t Offset, const char *Data, uint64_t Bytes,
             uint64_t Grain);
  void pledgeRange(unsigned Inode, uint64_t Offset, uint64_t Bytes,
                   std::vector<Pledge> &To);
  void pledgeFile(unsigned Inode, std::vector<Pledge> &To);
  void keep(std::vector<Pledge> &Pledges);
  void pledgeNames(const std::string &Directory, std::vector<Pledge> &To);
  void keepNames(const Pledge &P);
  void keepUnit(Inode &N, unsigned Number, uint64_t Unit, uint64_t Count);
  void changeNames(NameChange C);
  void changeNames(const Event &E);
  bool isLeftOut(const Event &E) const;
  uint64_t hashUnit(unsigned Inode, uint64_t Unit, const Bytes &Content) const;
  Dimension dimensionOf(unsigned Number, uint64_t Index, const Unit &U) const;

  Medium M;
  std::string Root, LeftOut;
  uint32_t Now = 0; // events so far
  std::vector<Inode> Inodes;
  Names Certain, Current;
  std::vector<NameChange> NamesPending;                 // in their order
  std::map<std::pair<uint32_t, uint64_t>, Mapped> Maps; // process, address
  // Where the bytes of private mappings were stored last, by inode and word:
  // the source of a write that brings them to the file.
  std::map<std::pair<unsigned, uint64_t>, uint32_t> Own;
  std::map<ThreadKey, std::vector<Pledge>> Flushed, Syncing;
  std::string Notes;
  uint64_t NoteHash = 0;
};

} // namespace crash

#endif // PERDURE_TOOLS_CRASH_MODEL_H
