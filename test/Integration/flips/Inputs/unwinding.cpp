// Calls that write and may throw: what is behind them has ways that lead around them.
#include <cstdio>
#include <cstdlib>

struct Guard {
  ~Guard() { std::fflush(stdout); }
};

__attribute__((noinline)) static std::size_t get(char *p, std::size_t n, const char *name) {
  std::size_t done = 0;
  Guard g;
  if (std::FILE *f = name ? std::fopen(name, "r") : nullptr)
    done = std::fread(p, 1, n, f);
  return done;
}

static int compare(const void *a, const void *b) {
  int x = *static_cast<const int *>(a), y = *static_cast<const int *>(b);
  if (x == 13 || y == 13)
    throw 1;
  return x - y;
}

int main(int, char **words) {
  auto *p = static_cast<char *>(std::calloc(1, 100));
  auto *q = static_cast<int *>(std::calloc(4, sizeof(int)));
  q[0] = 13;
  for (int i = 0; i != 100; ++i) {
    get(p, 100, nullptr);
    try {
      std::qsort(q, 4, sizeof(int), compare);
    } catch (int) {
    }
  }
  for (int i = 0; i != 100; ++i)
    p[i] = char(0xFF);
  return get(p, 100, words[1]) != 100 || p[99];
}
