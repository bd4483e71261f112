// words.cpp - Counts the words of files, several at a time, in one object.
#include "map.h"

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr char usage[] =
    R"(Usage: words STORE count FILE...    counts words, each file in a thread
       words STORE show [LEAST]     prints words counted as often, and how often
       words STORE check            looks whether all is well

Any number of these may run at once.
)";

int complain(const std::string &what) {
  std::fprintf(stderr, "words: %s\n", what.c_str());
  return 2;
}

/// The map, which is made when it is not there: all zeros is an empty one.
map *open(perdure_store *store) {
  void *root = perdure_open(store, "words", 0);
  if (!root && errno == ENOENT)
    root = perdure_create(store, "words", sizeof(map), 0);
  if (!root && errno == EEXIST) // by another process
    root = perdure_open(store, "words", 0);
  return static_cast<map *>(root);
}

void count_file(map &words, const char *path, std::string &error) {
  std::ifstream file(path);
  for (std::string word; file >> word;)
    if (!words.count(word)) {
      error = perdure_errormsg();
      return;
    }
  if (!file.eof())
    error = std::string(path) + ": cannot be read";
}

int count(map &words, char **paths) {
  std::vector<std::thread> threads;
  std::vector<std::unique_ptr<std::string>> errors;
  for (; *paths; paths++) {
    errors.push_back(std::make_unique<std::string>());
    threads.emplace_back([&words, path = *paths, error = errors.back().get()] {
      count_file(words, path, *error);
    });
  }
  for (std::thread &t : threads)
    t.join();
  for (const auto &error : errors)
    if (!error->empty())
      return complain(*error);
  return 0;
}

int show(map &words, unsigned long least) {
  words.visit([&](const entry &e) {
    unsigned long count = e.count.load(std::memory_order_relaxed);
    if (count >= least)
      std::printf("%lu\t%.*s\n", count, int(e.length), e.bytes);
  });
  return 0;
}

int check(map &words) {
  if (const char *what = words.check())
    return complain(what);
  std::size_t entries = 0;
  unsigned long counted = 0;
  words.visit([&](const entry &e) {
    entries++;
    counted += e.count.load(std::memory_order_relaxed);
  });
  std::printf("whole: %zu words, counted %lu times\n", entries, counted);
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  std::string command = argc > 2 ? argv[2] : "";
  bool counts = command == "count" && argc > 3;
  bool shows = command == "show" && argc < 5;
  if (!counts && !shows && !(command == "check" && argc == 3))
    return std::fputs(usage, stderr), 2;
  perdure_store *store =
      perdure_store_open(argv[1], PERDURE_CREATE | PERDURE_SHARED);
  map *words = store ? open(store) : nullptr;
  if (!words)
    return complain(perdure_errormsg());
  int status = counts  ? count(*words, argv + 3)
               : shows ? show(*words, argc > 3 ? std::stoul(argv[3]) : 1)
                       : check(*words);
  perdure_store_close(store);
  return status;
}
