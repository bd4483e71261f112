//===- objects.h - The objects that are opened ------------------*- C++ -*-===//

#ifndef PERDURE_BENCH_OPEN_OBJECTS_H
#define PERDURE_BENCH_OPEN_OBJECTS_H

#include <filesystem>
#include <perdure/runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string>
#include <unistd.h>
#include <vector>

constexpr unsigned Count = 256;
constexpr size_t Bytes = 256 << 10;

[[noreturn]] inline void stop(const char *What, const char *Why) {
  fprintf(stderr, "%s: %s\n", What, Why);
  exit(1);
}

/// A store with a hub that leads to Count objects, each by ID and by name, and
/// as many plain files; gone at the end.
struct Objects {
  std::string Dir;
  perdure_store *S = nullptr;
  std::vector<std::string> Names, Files;
  uint64_t *Hub = nullptr;

  explicit Objects(const std::string &Where) {
    Dir = Where + "/perdure-open-XXXXXX";
    if (!mkdtemp(Dir.data()))
      stop(Where.c_str(), "cannot make a directory there");
    open(PERDURE_CREATE);
    Hub = (uint64_t *)perdure_create(S, "hub", 16 * Count, 0);
    if (!Hub)
      stop("perdure_create", perdure_errormsg());
    for (unsigned I = 0; I < Count; ++I) {
      Names.push_back("object-" + std::to_string(I));
      Files.push_back(Dir + "/" + Names[I]);
      void *Root = perdure_create(S, Names[I].c_str(), Bytes, 0);
      if (!Root)
        stop("perdure_create", perdure_errormsg());
      Hub[I] = perdure_encode(Root, &Hub[I]);
      if (perdure_bind(&Hub[Count + I], Names[I].c_str()))
        stop("perdure_bind", perdure_errormsg());
      FILE *File = fopen(Files[I].c_str(), "w");
      std::string Zeroes(Bytes, 0);
      if (!File || fwrite(Zeroes.data(), Bytes, 1, File) != 1 || fclose(File))
        stop(Files[I].c_str(), "cannot write");
    }
    usleep(100000); // names that have been at rest are not read again
  }
  ~Objects() {
    perdure_store_close(S);
    std::filesystem::remove_all(Dir);
  }

  /// A process that knows nothing of the store yet.
  void reopen() {
    perdure_store_close(S);
    open(0);
    Hub = (uint64_t *)perdure_open(S, "hub", 0);
    if (!Hub)
      stop("perdure_open", perdure_errormsg());
  }

private:
  void open(unsigned Flags) {
    S = perdure_store_open((Dir + "/store").c_str(), Flags);
    if (!S)
      stop("perdure_store_open", perdure_errormsg());
  }
};

#endif // PERDURE_BENCH_OPEN_OBJECTS_H
