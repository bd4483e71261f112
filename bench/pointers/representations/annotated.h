//===- annotated.h - Perdure, under the encoding of the command --*- C++
//-*-===//

#include <perdure/attributes.h>

#define ANNOTATED PERDURE
#define PTR(T) T *
#define LOAD(Field) (Field)
#define STORE(Field, P) ((Field) = (P))
#define HOIST
#define ENTER(P) ((void)(P))
