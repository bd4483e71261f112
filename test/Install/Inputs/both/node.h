#ifndef NODE_H
#define NODE_H
#include <perdure/perdure.h>

struct PERDURE node { struct node *next; long value; };
struct PERDURE list { struct node *first; };

#ifdef __cplusplus
extern "C"
#endif
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
int push(struct list *list, long value);
#endif
