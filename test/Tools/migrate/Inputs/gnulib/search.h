/* Gnulib's tsearch, which takes the place of libc's. */
typedef enum { preorder, postorder, endorder, leaf } VISIT;
void *tsearch(const void *key, void **root, int (*compare)(const void *, const void *));
void *tfind(const void *key, void *const *root,
            int (*compare)(const void *, const void *));
void *tdelete(const void *key, void **root,
              int (*compare)(const void *, const void *));
void twalk(const void *root, void (*action)(const void *, VISIT, int));
