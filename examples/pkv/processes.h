// processes.h - What the processes that have one store open tell each other.
//
// They share a file in the store's directory, in memory: which version of the
// store was committed last, and where each tree's root is then; and which
// versions are being read. The kernel's locks say who is alive. Nothing in it
// has to survive: who opens the store when nobody else has it open begins it
// anew.
//
// Who reads takes no lock and waits for nobody. A snapshot writes down the
// version that it reads, and looks whether that is still the last: if so, whoever
// writes afterwards finds it there. A tree's root is kept for two versions. A
// reader that two commits have overtaken while it was looking takes a newer version.
#ifndef PKV_PROCESSES_H
#define PKV_PROCESSES_H

#include "tree.h"

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <sys/types.h>
#include <vector>

class processes {
public:
  /// Many of one process share a place in the file's table of readers.
  static constexpr unsigned lanes = 8;

  processes() = default;
  processes(const processes &) = delete;
  ~processes();

  /// Other processes neither open nor close the store as long as it lives.
  class opening {
    processes *of;

  public:
    explicit opening(processes &p) : of(&p) {}
    opening(const opening &) = delete;
    ~opening();
  };

  /// Joins those that have the store open in a directory that is open as
  /// `directory`: 0, or an error and `why`. Afterwards an `opening` has to be made,
  /// also after an error. `first`: nobody else has it open, or nobody has got so far as
  /// to publish, so whoever opens it looks at it, shows all trees and publishes.
  /// Writers agree on `durable`; who reads only is told.
  int join(int directory, bool writes, bool &durable, bool &first,
           std::string &why);
  /// Of the object; before anything below.
  void lies_in(tree::header &h);

  // ===- Reading ---------------------------------------------------------===

  /// Begins to read what was committed last: 0, EAGAIN (as many processes read as
  /// the table has room for), ENOMEM. What this version leads to is not
  /// freed before end_reading with the same arguments.
  int begin_reading(unsigned &lane, std::uint64_t &version);
  void end_reading(unsigned lane, std::uint64_t version);
  /// Trees that there are, at least those of any version that is being read.
  std::size_t trees() const;
  tree::stored *tree(std::size_t number) const;
  enum class seen { there, not_yet, no_longer };
  /// The tree in a version that is being read. No longer: begin anew.
  seen look(std::size_t number, std::uint64_t version, tree::shape &shape) const;
  /// The whole of a version: what begin_reading gives.
  int begin_snapshot(unsigned &lane, std::uint64_t &version,
                     std::vector<tree::shape> &shapes);
  /// The one tree.
  int begin_look(std::size_t number, unsigned &lane, std::uint64_t &version,
                 tree::shape &shape);

  std::uint64_t published() const;
  std::uint64_t waiting() const;
  /// Of this process.
  std::size_t snapshots();

  // ===- Writing: in this process's turn ----------------------------------===

  /// The oldest version that anybody reads, or the last.
  std::uint64_t oldest();
  /// Makes room for so many trees: 0, or an error.
  int reserve(std::size_t trees);
  /// How the tree is in a version that is to be published.
  void show(std::size_t number, tree::stored &t, std::uint64_t version);
  void publish(std::uint64_t version, std::size_t trees, std::uint64_t waiting);

private:
  struct shared;
  struct lane {
    std::mutex lock;
    std::multiset<std::uint64_t> versions;
    std::atomic<std::uint64_t> *place = nullptr; // in the table
  };

  int directory = -1, file = -1;
  pid_t process = 0; // that has joined; a child of fork() only has the descriptors
  bool is_open = false; // counts among those that have the store open
  shared *all = nullptr;
  std::size_t bytes = 0; // of the file, as far as this process has seen to it
  char *base = nullptr;  // of the object
  std::array<lane, lanes> own;
  std::mutex claiming;
  std::set<unsigned> claimed; // places; under `claiming`

  int enter(std::string &why);
  void begin_anew();
  int claim(lane &l);
  bool is_dead(unsigned place);
};

#endif
