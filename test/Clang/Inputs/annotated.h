#include <perdure/perdure.h>

struct PERDURE node { node *next; };
template <class T> struct PERDURE box {
  T *value;
  [[perdure::transient]] T *kept;
};
