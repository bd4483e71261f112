// What the binary says of a C program's types: docs/Types.md has the grammar.
// RUN: %clang -O1 -S -emit-llvm %s -o %t.ll
// RUN: FileCheck %s < %t.ll
// A file that only includes them says nothing.
// RUN: %clang -O1 -S -emit-llvm -DHEADER_ONLY %s -o - | FileCheck %s --check-prefix=NONE
// NONE-NOT: perdure_types

#include <perdure/perdure.h>

enum color { RED, GREEN = 5, BLUE = -1 };
typedef struct { float x, y; } point; // in no annotated record's place, but in one
struct opaque;
struct PERDURE node {
  struct node *next;
  struct node **kids;
  struct opaque *hidden;
  enum color colors[2];
  unsigned flag : 1, : 2, rest : 9;
  _Bool bit;
  char name[3];
  signed char small;
  long double wide;
  point at;
  union {
    int i;
    float f;
  };
  struct {
    struct node *inner;
  } part;
  [[perdure::transient]] int *own;
  _Complex float c;
  _Atomic long count;
  unsigned __int128 *huge;
  int (*grid)[4];
  struct node *links[];
};

#ifndef HEADER_ONLY
struct node *first(struct node *n) { return n->next; }
#endif

// Each text once, with its length and the hash of its layout.
// CHECK-DAG: @__perdure_type_{{[0-9a-f]+}} = linkonce_odr hidden constant { i64, i64, [45 x i8] } { i64 45, i64 1181033482062590236, [45 x i8] c"struct 8 4 point\0Afield 0 f32 x\0Afield 4 f32 y\0A" }, section "perdure_types", comdat, align 8
// CHECK-DAG: c"struct 128 16 node\0Arefer node\0Arefer opaque\0Arefer point\0Arefer node::(unnamed 0)\0Arefer node::(unnamed 1)\0Afield 0 *object(#0) next\0Afield 8 *object(*object(#0)) kids\0Afield 16 *object(#1) hidden\0Afield 24 [2]enum(i32) colors\0Afield 32 bits(0,1,u32) flag\0Afield 32 bits(3,9,u32) rest\0Afield 34 bool bit\0Afield 35 [3]char name\0Afield 38 i8 small\0Afield 48 bytes(16) wide\0Afield 64 #2 at\0Afield 72 #3 \0Afield 80 #4 part\0Afield 88 *native() own\0Afield 96 bytes(8) c\0Afield 104 i64 count\0Afield 112 *object(u128) huge\0Afield 120 *object([4]i32) grid\0Afield 128 []*object(#0) links\0Alayout 0 {{[0-9a-f]+}}\0Alayout 2 {{[0-9a-f]+}}\0Alayout 3 {{[0-9a-f]+}}\0Alayout 4 {{[0-9a-f]+}}\0Aenum 3 RED=0 GREEN=5 BLUE=-1\0A"
// CHECK-DAG: c"union 4 4 node::(unnamed 0)\0Afield 0 i32 i\0Afield 0 f32 f\0A"
// CHECK-DAG: c"struct 8 8 node::(unnamed 1)\0Arefer node\0Afield 0 *object(#0) inner\0Alayout 0
// CHECK: @llvm.used = appending
