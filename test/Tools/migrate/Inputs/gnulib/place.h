/* Before everything else: all that the program allocates lies in one object. */
#define _GNU_SOURCE 1 /* as config.h, which comes later, says */
#include <perdure/perdure.h>
#include <stdlib.h>
#include <string.h>
void *place_malloc(size_t bytes);
void *place_calloc(size_t count, size_t bytes);
void *place_realloc(void *block, size_t bytes);
char *place_strdup(const char *text);
void place_free(void *block);
#define malloc place_malloc
#define calloc place_calloc
#define realloc place_realloc
#undef strdup
#define strdup place_strdup
#define free place_free
/* What is near a variable of the test lies in the object, too; near the heap, nothing. */
const void *place_owner(const void *owner);
#define perdure_near_alloc(owner, ...) perdure_near_alloc(place_owner(owner), __VA_ARGS__)
#define perdure_near_calloc(owner, ...) perdure_near_calloc(place_owner(owner), __VA_ARGS__)
#define perdure_near_strdup(owner, ...) perdure_near_strdup(place_owner(owner), __VA_ARGS__)
#define perdure_near_realloc(owner, ...) \
  perdure_near_realloc(place_owner(owner), __VA_ARGS__)
