/* A library that was compiled with -fperdure-flips is loaded, stores, and goes, twice. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **words) {
  (void)count;
  long *p = calloc(2, 8);
  for (long i = 0; i != 2; ++i) {
    void *library = dlopen(words[1], RTLD_NOW);
    if (!library) {
      puts(dlerror());
      return 1;
    }
    ((void (*)(long *, long))dlsym(library, "set"))(p + i, 255);
    dlclose(library);
  }
  return 0;
}
