//===- native.h - Plain pointers, not annotated -----------------*- C++ -*-===//

#define ANNOTATED
#define PTR(T) T *
#define LOAD(Field) (Field)
#define STORE(Field, P) ((Field) = (P))
#define HOIST
#define ENTER(P) ((void)(P))
